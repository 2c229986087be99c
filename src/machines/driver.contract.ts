import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../base/errors.js";
import type { ClusterNetwork, MachineDriver, MachineSpec } from "./driver.js";

/** A driver under test, with a network and machines that it can make. */
export interface ContractSubject {
  driver: MachineDriver;
  network: ClusterNetwork;
  spec(name: "one" | "two", changes?: Partial<MachineSpec>): MachineSpec;
  /** Whether there are programs in its machines. */
  runsPrograms: boolean;
  dispose(): Promise<void>;
}

export const exampleNetwork = (cluster: string, third = 200): ClusterNetwork => ({
  cluster,
  nodeSubnet: `10.79.${third}.0/24`,
  gateway: `10.79.${third}.1`,
  podSubnet: "10.244.0.0/16",
});

export const exampleSpec = (
  cluster: string,
  name: "one" | "two",
  layers: string[],
  changes: Partial<MachineSpec> = {},
): MachineSpec => ({
  cluster,
  name,
  role: name === "one" ? "control-plane" : "worker",
  address: exampleNetwork(cluster).gateway.replace(/1$/, name === "one" ? "11" : "12"),
  podCidr: name === "one" ? "10.244.1.0/24" : "10.244.2.0/24",
  layers,
  config: { ignition: { version: "3.4.0" } },
  mounts: [],
  ports: [],
  volumes: [{ path: "/var/lib/etcd" }],
  ...changes,
});

/** What every driver promises (driver.ts), run against one of them. */
export function describeDriver(name: string, make: () => Promise<ContractSubject>): void {
  describe(`${name} driver`, () => {
    let subject: ContractSubject;
    let driver: MachineDriver;
    let cluster: string;

    beforeEach(async () => {
      subject = await make();
      ({ driver } = subject);
      ({ cluster } = subject.network);
      await driver.ensureNetwork(subject.network);
    });

    afterEach(async () => {
      for (const machine of ["one", "two"]) await driver.delete(cluster, machine);
      await driver.deleteNetwork(cluster);
      await subject.dispose();
    });

    const stateOf = async (machine: string) => (await driver.inspect(cluster, machine))?.state;
    const running = async (machine: "one" | "two" = "one") => {
      await driver.create(subject.spec(machine));
      return driver.start(cluster, machine);
    };

    test("a preflight names each check, and a fix for what is not ok", async () => {
      const started = performance.now();
      const checks = await driver.preflight({ network: subject.network });
      expect(performance.now() - started).toBeLessThan(2000);
      expect(checks.length).toBeGreaterThan(0);
      for (const check of checks) {
        expect(check.found).not.toBe("");
        if (check.status !== "ok") expect(check.fix).toBeTruthy();
      }
    });

    test("a network can be asked for twice, and not with another range", async () => {
      await driver.ensureNetwork(subject.network);
      const other = { ...subject.network, nodeSubnet: "10.79.199.0/24", gateway: "10.79.199.1" };
      await expectCode(driver.ensureNetwork(other), "NETWORK_CONFLICT");
      await driver.deleteNetwork(cluster);
      await driver.deleteNetwork(cluster);
    });

    test("a new machine is stopped, and creating it again changes nothing", async () => {
      const machine = await driver.create(subject.spec("one"));
      const expected = {
        cluster,
        name: "one",
        role: "control-plane",
        address: subject.spec("one").address,
        state: "stopped",
      };
      expect(machine).toEqual(expected);
      expect(await driver.create(subject.spec("one"))).toEqual(expected);
      expect(await driver.inspect(cluster, "one")).toEqual(expected);
    });

    test("another machine of the same name is refused", async () => {
      await driver.create(subject.spec("one"));
      const { address } = subject.spec("two");
      await expectCode(driver.create(subject.spec("one", { address })), "MACHINE_EXISTS");
      await expectCode(driver.create(subject.spec("one", { layers: ["/other"] })), "MACHINE_EXISTS");
      expect((await driver.inspect(cluster, "one"))?.address).toBe(subject.spec("one").address);
    });

    test("a stopped machine takes a new config, a machine that is another is refused", async () => {
      await expectCode(driver.configure(subject.spec("one")), "MACHINE_NOT_FOUND");
      await driver.create(subject.spec("one"));
      const { address } = subject.spec("two");
      await expectCode(driver.configure(subject.spec("one", { address })), "MACHINE_EXISTS");
      const config = (text: string): MachineSpec["config"] => ({
        ignition: { version: "3.4.0" },
        storage: {
          files: [{ path: "/etc/configured", overwrite: true, contents: { source: `data:,${text}` } }],
        },
      });
      await driver.configure(subject.spec("one", { config: config("first") }));
      await driver.start(cluster, "one");
      if (!subject.runsPrograms) return;
      const read = async () => (await driver.exec(cluster, "one", ["cat", "/etc/configured"])).stdout;
      expect(await read()).toBe("first");
      await driver.configure(subject.spec("one", { config: config("second") }));
      expect(await read()).toBe("second");
    });

    test("names and addresses that cannot be are refused before anything is made", async () => {
      for (const bad of ["", "..", "a/b", "Upper", "-a", "x".repeat(64)]) {
        await expectCode(driver.create({ ...subject.spec("one"), name: bad }), "CONFIG_INVALID");
        await expectCode(driver.create({ ...subject.spec("one"), cluster: bad }), "CONFIG_INVALID");
      }
      await expectCode(driver.create(subject.spec("one", { address: "192.0.2.77" })), "ADDRESS_INVALID");
      await expectCode(
        driver.create(subject.spec("one", { address: subject.network.gateway })),
        "ADDRESS_INVALID",
      );
      expect(await driver.list(cluster)).toEqual([]);
    });

    test("a machine needs its network", async () => {
      await driver.deleteNetwork(cluster);
      await expectCode(driver.create(subject.spec("one")), "MACHINE_FAILED");
    });

    test("verbs on a machine that is not there say so; delete has nothing to do", async () => {
      await expectCode(driver.start(cluster, "one"), "MACHINE_NOT_FOUND");
      await expectCode(driver.stop(cluster, "one"), "MACHINE_NOT_FOUND");
      await expectCode(driver.pause(cluster, "one"), "MACHINE_NOT_FOUND");
      await expectCode(driver.exec(cluster, "one", ["true"]), "MACHINE_NOT_FOUND");
      await expectCode(driver.copyOut(cluster, "one", "/etc/hostname", "/nowhere"), "MACHINE_NOT_FOUND");
      await driver.delete(cluster, "one");
      expect(await driver.inspect(cluster, "one")).toBeUndefined();
    });

    test("start, stop and start again; each twice", async () => {
      const first = await running();
      expect(first.state).toBe("running");
      expect(first.pid).toBeGreaterThan(1);
      expect((await driver.start(cluster, "one")).pid).toBe(first.pid);
      await driver.stop(cluster, "one", { graceMs: 5000 });
      await driver.stop(cluster, "one");
      expect(await driver.inspect(cluster, "one")).toMatchObject({ state: "stopped" });
      const second = await driver.start(cluster, "one");
      expect(second).toMatchObject({ state: "running", name: "one" });
      expect(second.pid).not.toBe(first.pid);
    });

    test("pause and resume; each twice; start resumes too", async () => {
      await running();
      await driver.pause(cluster, "one");
      await driver.pause(cluster, "one");
      expect(await stateOf("one")).toBe("paused");
      await expectCode(driver.exec(cluster, "one", ["true"]), "MACHINE_NOT_RUNNING");
      await driver.resume(cluster, "one");
      await driver.resume(cluster, "one");
      expect(await stateOf("one")).toBe("running");
      await driver.pause(cluster, "one");
      expect((await driver.start(cluster, "one")).state).toBe("running");
    });

    test("a stopped machine cannot be paused, resumed or used", async () => {
      await driver.create(subject.spec("one"));
      await expectCode(driver.pause(cluster, "one"), "MACHINE_NOT_RUNNING");
      await expectCode(driver.resume(cluster, "one"), "MACHINE_NOT_RUNNING");
      await expectCode(driver.weigh(cluster, "one", 2), "MACHINE_NOT_RUNNING");
      await expectCode(driver.exec(cluster, "one", ["true"]), "MACHINE_NOT_RUNNING");
      await expectCode(driver.execInteractive(cluster, "one", ["true"]), "MACHINE_NOT_RUNNING");
      await expectCode(driver.copyIn(cluster, "one", "/etc/hostname", "/x"), "MACHINE_NOT_RUNNING");
    });

    test("a paused machine can be stopped", async () => {
      await running();
      await driver.pause(cluster, "one");
      await driver.stop(cluster, "one", { graceMs: 5000 });
      expect(await stateOf("one")).toBe("stopped");
    });

    test("delete works in every state, and the name is free again", async () => {
      for (const bring of [
        async () => {},
        () => driver.start(cluster, "one"),
        () => driver.start(cluster, "one").then(() => driver.pause(cluster, "one")),
        () => driver.start(cluster, "one").then(() => driver.stop(cluster, "one")),
      ]) {
        await driver.create(subject.spec("one"));
        await bring();
        await driver.delete(cluster, "one");
        expect(await driver.list(cluster)).toEqual([]);
      }
    });

    test("machines are listed by name, and by cluster", async () => {
      await driver.create(subject.spec("two"));
      await driver.create(subject.spec("one"));
      expect((await driver.list(cluster)).map((machine) => machine.name)).toEqual(["one", "two"]);
      expect((await driver.list()).filter((machine) => machine.cluster === cluster)).toHaveLength(2);
      expect(await driver.list("no-such-cluster")).toEqual([]);
    });

    test("an aborted create leaves nothing that a create cannot finish", async () => {
      const reason = new Error("enough");
      await expect(driver.create(subject.spec("one"), { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
      expect((await driver.create(subject.spec("one"))).state).toBe("stopped");
    });

    test("a port goes to one machine only, and can be given away while it runs", async () => {
      const port = { hostAddress: "127.0.0.1", hostPort: 24_680, nodePort: 80, protocol: "tcp" as const };
      await driver.create(subject.spec("one", { ports: [port] }));
      await driver.create(subject.spec("two", { ports: [port] }));
      await driver.start(cluster, "one");
      await expectCode(driver.start(cluster, "two"), "PORT_IN_USE");
      await driver.publishPorts(cluster, "one", []);
      await driver.start(cluster, "two");
      await expectCode(driver.publishPorts(cluster, "one", [port]), "PORT_IN_USE");
    });

    test("files and directories are copied in and out", async () => {
      await running();
      const host = await mkdtemp(join(tmpdir(), "slipway-contract-"));
      try {
        await mkdir(join(host, "tree/deep"), { recursive: true });
        await writeFile(join(host, "tree/deep/file"), "below");
        await writeFile(join(host, "plain"), "one file");
        await driver.copyIn(cluster, "one", join(host, "plain"), "/srv/new/name");
        await driver.copyIn(cluster, "one", join(host, "tree"), "/srv/new/");
        await driver.copyOut(cluster, "one", "/srv/new/name", join(host, "back"));
        await driver.copyOut(cluster, "one", "/srv/new/tree", join(host, "out"));
        expect(await readFile(join(host, "back"), "utf8")).toBe("one file");
        expect(await readFile(join(host, "out/deep/file"), "utf8")).toBe("below");
        await expectCode(driver.copyOut(cluster, "one", "/srv/none", join(host, "none")), "USAGE");
        await expectCode(driver.copyIn(cluster, "one", join(host, "none"), "/srv/none"), "USAGE");
      } finally {
        await rm(host, { recursive: true });
      }
    });

    test("commands run in the machine, with input, directory, environment and exit code", async ({
      skip,
    }) => {
      skip(!subject.runsPrograms, "machines of this driver have no programs");
      await running();
      const script = 'cat; pwd; echo "$WORD"; hostname; exit 7';
      const options = { input: "in ", cwd: "/etc", env: { WORD: "said" }, allowFailure: true };
      const result = await driver.exec(cluster, "one", ["sh", "-c", script], options);
      expect(result).toMatchObject({ exitCode: 7, stdout: "in /etc\nsaid\none" });
      await expectCode(driver.exec(cluster, "one", ["sh", "-c", "exit 3"]), "PROGRAM_FAILED");
    });

    test("what a machine wrote is there after stop and start", async ({ skip }) => {
      skip(!subject.runsPrograms, "machines of this driver have no programs");
      await running();
      await driver.exec(cluster, "one", ["sh", "-c", "echo root >/kept; echo volume >/var/lib/etcd/kept"]);
      await driver.stop(cluster, "one");
      await driver.start(cluster, "one");
      const { stdout } = await driver.exec(cluster, "one", ["cat", "/kept", "/var/lib/etcd/kept"]);
      expect(stdout).toBe("root\nvolume");
    });
  });
}

async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: "SlipwayError", code });
}
