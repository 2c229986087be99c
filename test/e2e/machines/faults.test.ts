import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { run, start } from "../../../src/base/run.js";
import { bridgeName } from "../../../src/machines/sandbox/names.js";
import { listRules } from "../../../src/net/ip-command.js";
import { answering } from "./answering.js";
import { remains } from "./remains.js";
import { sandboxSubject } from "./subject.js";

const cluster = "faults";

describe("sandbox machines and violence", () => {
  let subject: Awaited<ReturnType<typeof sandboxSubject>>;
  let program: string;
  let directory: string;

  beforeAll(async () => {
    // Beside the modules that it imports.
    directory = await mkdtemp(join(import.meta.dirname, "../../../node_modules/.slipway-test-"));
    program = join(directory, "child.mjs");
    await build({
      entryPoints: [join(import.meta.dirname, "child.ts")],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
    });
  });
  afterAll(() => rm(directory, { recursive: true }));

  beforeEach(async () => {
    subject = await sandboxSubject(cluster, 203);
  });
  afterEach(async () => {
    await subject.driver.delete(cluster, "one");
    await subject.driver.deleteNetwork(cluster);
    const left = await remains(cluster, subject.stateDirectory);
    await subject.dispose();
    expect(left).toEqual([]);
  });

  const spec = () =>
    subject.spec("one", {
      config: answering("one", "10.244.1.5"),
      ports: [{ hostAddress: "127.0.0.1", hostPort: 28_100, nodePort: 80, protocol: "tcp" }],
    });

  /** @returns how long the verb took when it was not killed */
  const inChild = async (verb: string, killAfterMs?: number): Promise<number> => {
    const order = JSON.stringify({
      stateDirectory: subject.stateDirectory,
      network: subject.network,
      spec: spec(),
      verb,
    });
    const child = start(process.execPath, [program, order], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout!, "data");
    const begun = performance.now();
    if (killAfterMs !== undefined) {
      await delay(killAfterMs);
      child.kill("SIGKILL");
    }
    const { exitCode } = await child;
    if (killAfterMs === undefined) expect(exitCode).toBe(0);
    return performance.now() - begun;
  };

  const verbs = {
    create: async () => {
      await subject.driver.ensureNetwork(subject.network);
      expect((await subject.driver.create(spec())).state).toBe("stopped");
    },
    start: async () => {
      expect((await subject.driver.start(cluster, "one")).state).toBe("running");
      expect((await subject.driver.exec(cluster, "one", ["cat", "/etc/hostname"])).stdout).toBe("one");
      const addresses = await subject.driver.exec(cluster, "one", ["ip", "-brief", "address"]);
      expect(addresses.stdout).toContain(subject.spec("one").address);
    },
    stop: async () => {
      await subject.driver.stop(cluster, "one");
      expect((await subject.driver.inspect(cluster, "one"))?.state).toBe("stopped");
    },
    delete: async () => {
      await subject.driver.delete(cluster, "one");
      await subject.driver.deleteNetwork(cluster);
      expect(await subject.driver.list(cluster)).toEqual([]);
      expect(await remains(cluster, subject.stateDirectory)).toEqual([]);
    },
  };
  const before: Record<keyof typeof verbs, (keyof typeof verbs)[]> = {
    create: [],
    start: ["create"],
    stop: ["create", "start"],
    delete: ["create", "start"],
  };

  for (const verb of Object.keys(verbs) as (keyof typeof verbs)[]) {
    test(`${verb} is finished by the next one, wherever it was killed`, async () => {
      for (const step of before[verb]) await verbs[step]();
      const wholeMs = await inChild(verb);
      await verbs.delete();
      const kills = 6;
      for (let i = 0; i < kills; i++) {
        for (const step of before[verb]) await verbs[step]();
        await inChild(verb, (wholeMs * i) / kills);
        await verbs[verb]();
        await verbs.delete();
      }
    });

    test(`delete removes all of a machine whose ${verb} was killed`, async () => {
      for (const step of before[verb]) await verbs[step]();
      const wholeMs = await inChild(verb);
      await verbs.delete();
      for (const part of [0.2, 0.5, 0.8]) {
        for (const step of before[verb]) await verbs[step]();
        await inChild(verb, wholeMs * part);
        await verbs.delete();
      }
    });
  }

  test("a bridge that was only begun is finished", async () => {
    await run("ip", ["link", "add", bridgeName(cluster), "type", "bridge"]);
    await verbs.create();
    await verbs.start();
  });

  test("after a reboot of the host, start brings back the machine, its network and its data", async () => {
    await verbs.create();
    await verbs.start();
    const write = "echo kept >/kept; echo kept >/var/lib/etcd/kept; sync";
    await subject.driver.exec(cluster, "one", ["sh", "-c", write]);
    await loseAllButTheDisk();
    expect(await subject.driver.inspect(cluster, "one")).toMatchObject({ state: "stopped" });
    await verbs.start();
    const { stdout } = await subject.driver.exec(cluster, "one", ["cat", "/kept", "/var/lib/etcd/kept"]);
    expect(stdout).toBe("kept\nkept");
    const ask = `until perl /opt/ask.pl ${subject.network.gateway}:22 2>&1 | grep -q refused; do sleep 0.1; done`;
    await subject.driver.exec(cluster, "one", ["sh", "-c", ask], { timeoutMs: 20_000 });
  });

  /** What a reboot takes: processes, /run, cgroups, links, routes, rules and the firewall. */
  async function loseAllButTheDisk(): Promise<void> {
    const runc = (...args: string[]) => run("runc", ["--root", "/run/slipway", ...args]);
    await runc("kill", `${cluster}.one`, "KILL");
    await runc("delete", "--force", `${cluster}.one`);
    const bridge = bridgeName(cluster);
    const rule = (await listRules()).find(({ iif }) => iif === bridge)!;
    await run("ip", ["link", "delete", bridge]);
    await run("ip", ["rule", "delete", "priority", String(rule.priority)]);
    await run("ip", ["route", "flush", "table", rule.table!]);
    await run("nft", ["delete", "table", "ip", bridge]);
  }
});
