import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import type { Context } from "../../../src/base/context.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { type RunOptions, type RunResult, run } from "../../../src/base/run.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import { ensureMaterial } from "../../../src/cluster/material.js";
import { profilePaths, readProfile } from "../../../src/cluster/profile.js";
import { forgetRenewal } from "../../../src/cluster/renewal-mark.js";
import { inspectCertificate } from "../../../src/pki/inspect.js";
import type { Material } from "../../../src/plan/material.js";
import { planCluster } from "../../../src/plan/plan.js";
import { slipwayProgram, TestHome } from "../harness.js";

// A wrong clock. slipway alone sees it, by faketime; what runs in the nodes has the machine's own, which is right.
const profile = "clocked";
let home: TestHome;
let ca: string;

beforeAll(async () => {
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

/**
 * Runs slipway with a clock of its own: `-400d`, `@1970-01-02 00:00:00`, or what a file says, read again and again. Elapsed
 * time stays what it is.
 */
const slipwayAt = (clock: string, args: string[], options: RunOptions = {}): Promise<RunResult> => {
  const fromFile = ["env", "-u", "FAKETIME", `FAKETIME_TIMESTAMP_FILE=${clock}`, "FAKETIME_NO_CACHE=1"];
  const clockArgs = clock.startsWith("/") ? ["+0", ...fromFile] : [clock];
  return run(
    "faketime",
    ["-m", "--exclude-monotonic", "-f", ...clockArgs, process.execPath, slipwayProgram, ...args],
    { timeoutMs: 600_000, ...options, env: { ...home.env, NO_FAKE_STAT: "1", ...options.env } },
  );
};

/** The same, killed when its certificates are made and no node is: as far as a start gets with components like these. */
async function startUntilCertificates(clock: string, name: string): Promise<void> {
  for (let point = 1; ; point++) {
    const env = { SLIPWAY_TEST_KILL_AT_POINT: String(point) };
    await slipwayAt(clock, ["start", "-p", name], { env, allowFailure: true });
    const journal = await readFile(home.profileFile(name, "journal.ndjson"), "utf8").catch(() => "");
    if (journal.includes('"step":"issue-certificates"') && /issue-certificates","point":"done"/.test(journal))
      return;
    expect(point).toBeLessThan(20);
  }
}

const context = (clock: Context["clock"] = systemClock): Context => ({
  paths: resolvePaths(home.env, home.directory),
  events: discardEvents,
  signal: new AbortController().signal,
  clock,
});

/**
 * Has the cluster's authorities issue leaves as they were made that many days ago: what a machine has whose clock was behind,
 * and is right now. No mark of a renewal is left.
 */
async function leavesOf(daysAgo: number): Promise<Material> {
  const now = () => new Date(Date.now() - daysAgo * 86_400_000);
  const { spec, facts } = await readProfile(profile, context());
  const { pki } = profilePaths(profile, context());
  const material = await ensureMaterial(planCluster(spec, facts), pki, context({ ...systemClock, now }), {
    renewLeaves: true,
  });
  await forgetRenewal(pki);
  return material;
}

/** Puts it into the node that runs, and has it serve with it. */
async function giveToNode(material: Material): Promise<void> {
  const { spec, facts } = await readProfile(profile, context());
  const [node] = planCluster(spec, facts).nodes;
  const driver = hostDriver(context());
  for (const { path, contents } of node!.config.storage?.files ?? []) {
    const secret = /^slipway:(.*)$/.exec(contents?.source ?? "")?.[1];
    if (secret)
      await driver.exec(profile, profile, ["dd", "status=none", `of=${path}`], {
        input: material.get(secret)!,
      });
  }
  const units = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
  ];
  await driver.exec(profile, profile, ["systemctl", "stop", ...units]);
  await driver.exec(profile, profile, ["systemctl", "start", "--no-block", ...units]);
}

const leaf = async (name: string) =>
  inspectCertificate(await readFile(home.profileFile(profile, `pki/${name}.crt`), "utf8"), new Date());

/** Every file of the state: its size and when it was changed. */
async function stateOnDisk(): Promise<string[]> {
  const directory = home.profileFile(profile, "");
  const names = await readdir(directory, { recursive: true });
  return Promise.all(
    names.sort().map(async (name) => {
      const { size, mtimeMs, ctimeMs } = await stat(join(directory, name));
      return `${name} ${size} ${mtimeMs} ${ctimeMs}`;
    }),
  );
}

const kept = async () =>
  (await home.eventually(profile, ["get", "configmap", "kept", "-o", "jsonpath={.data.a}"])).stdout;

/** The containers of the DNS server: they must go on while certificates change. */
const dnsContainers = async () =>
  (
    await home.eventually(profile, [
      ...["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns"],
      ...["-o", "jsonpath={.items[*].status.containerStatuses[*].containerID}"],
    ])
  ).stdout;

test("a clock from before slipway was made is refused before anything is made", async () => {
  const { exitCode, stderr } = await slipwayAt("@1970-01-02 00:00:00", ["start", "-p", profile], {
    allowFailure: true,
  });
  expect(exitCode, stderr).toBe(38);
  expect(stderr).toContain("CLOCK_WRONG");
  expect(stderr).toMatch(/clock\s+1970-01-0\d/);
  expect(stderr).toContain("timedatectl set-ntp true");
  expect((await home.slipway(["profile", "list", "-o", "json"])).stdout).not.toContain(profile);
});

test("certificates that were made with the clock 400 days behind are renewed by start, under the same authority", async () => {
  await startUntilCertificates("-400d", profile);
  ca = await home.caFingerprint(profile);
  expect((await leaf("admin")).expired).toBe(true);

  const check = await home.slipway(["certs", "check", "-p", profile], { allowFailure: true });
  expect(check.exitCode).toBe(108);
  expect(check.stdout).toMatch(/apiserver\/clocked .* -\d+ +expired/);
  expect(check.stderr).toMatch(/\d+ certificates expired[\s\S]*slipway certs renew -p clocked/);

  const { stderr } = await home.slipway(["start", "-p", profile]);
  expect(stderr).toMatch(/\d+ certificates expired .*, 35 days ago by this machine's clock; made anew/);
  expect(await home.caFingerprint(profile)).toBe(ca);
  expect(await leaf("admin")).toMatchObject({ expired: false, daysLeft: expect.closeTo(365, -1) });
  await home.kubectl(profile, ["create", "configmap", "kept", "--from-literal=a=b"]);
});

test("a clock behind the cluster is told before anything is touched, whether it runs or not", async () => {
  const before = await stateOnDisk();
  for (const args of [["start"], ["node", "add"], ["certs", "renew"]]) {
    const { exitCode, stderr } = await slipwayAt("-403d", [...args, "-p", profile], { allowFailure: true });
    expect(exitCode, stderr).toBe(38);
    expect(stderr).toContain('this machine\'s clock is 3 days behind the certificates of "clocked"');
    expect(stderr).toMatch(/if it is wrong\s+set it/);
    expect(stderr).toMatch(
      /if it is right\s+.*\n?.*slipway delete -p clocked, then slipway start -p clocked/,
    );
  }
  const status = await slipwayAt("-403d", ["status", "-p", profile], { allowFailure: true });
  expect(status.stdout).toContain("certificates: NotYetValid");
  expect(status.stderr).toContain("timedatectl set-ntp true");
  expect(await stateOnDisk()).toEqual(before);
  expect(await kept()).toBe("b");
});

test("a stopped cluster whose certificates expired meanwhile comes back with its data", async () => {
  await home.slipway(["stop", "-p", profile]);
  await leavesOf(399);
  const { stderr } = await home.slipway(["start", "-p", profile]);
  expect(stderr).toContain("made anew under the same authorities");
  expect(await kept()).toBe("b");
  expect(await home.caFingerprint(profile)).toBe(ca);
});

/** The running cluster's certificates expire, for the nodes too; its control plane dies of it. */
async function expireWhileRunning(): Promise<void> {
  await giveToNode(await leavesOf(399));
  await writeFile(home.profileFile(profile, "kubeconfig"), (await leavesOf(399)).get("kubeconfig/admin")!);
  const { exitCode } = await home.kubectl(profile, ["get", "nodes"], { allowFailure: true });
  expect(exitCode).not.toBe(0);
  const status = await home.slipway(["status", "-p", profile], { allowFailure: true });
  expect(status.stdout).toMatch(/apiserver: (Stopped|Error)/);
  expect(status.stdout).toContain("certificates: Expired");
  expect(status.stderr).toContain("slipway certs renew -p clocked");
}

test("certs renew brings a running cluster back whose certificates have expired, and pods go on", async () => {
  const containers = await dnsContainers();
  await expireWhileRunning();
  await home.slipway(["certs", "renew", "-p", profile]);
  await home.kubectl(profile, ["get", "nodes"]);
  expect(await kept()).toBe("b");
  expect(await dnsContainers()).toBe(containers);
  expect(await home.caFingerprint(profile)).toBe(ca);
  expect((await home.slipway(["certs", "check", "-p", profile])).stderr).toBe("");
  // The user's own kubectl, with what the user's kubeconfig has.
  const admin = (await readFile(home.profileFile(profile, "pki/admin.crt"))).toString("base64");
  expect(await readFile(home.env.KUBECONFIG!, "utf8")).toContain(admin);
});

test("start does the same for a running cluster, also when it is killed in between", async () => {
  const containers = await dnsContainers();
  await expireWhileRunning();
  await home.slipway(["start", "-p", profile], {
    allowFailure: true,
    env: { SLIPWAY_TEST_KILL_AT_POINT: "12" },
  });
  // The certificates are new on the host, and the node does not have them.
  expect((await leaf("admin")).expired).toBe(false);
  const status = await home.slipway(["status", "-p", profile], { allowFailure: true });
  expect(status.stdout).toMatch(/apiserver: (Stopped|Error)/);
  await home.slipway(["start", "-p", profile]);
  expect(await kept()).toBe("b");
  expect(await dnsContainers()).toBe(containers);
  expect(await home.caFingerprint(profile)).toBe(ca);
});

test("certificates that were renewed with the clock ahead are made anew once it is right", async () => {
  // Killed before it waits for a cluster that cannot work now.
  await slipwayAt("+30d", ["certs", "renew", "-p", profile], {
    allowFailure: true,
    env: { SLIPWAY_TEST_KILL_AT_POINT: "10" },
  });
  expect((await leaf("admin")).notYetValid).toBe(true);
  const check = await home.slipway(["certs", "check", "-p", profile], { allowFailure: true });
  expect(check.exitCode).toBe(108);
  expect(check.stdout).toContain("not yet valid");
  expect(check.stderr).toMatch(/not valid yet: \d+ certificates/);
  const { stdout } = await home.slipway(["status", "-p", profile, "-o", "json"], { allowFailure: true });
  expect(JSON.parse(stdout)).toMatchObject({ Certificates: "NotYetValid", APIServer: "Stopped" });

  const { stderr } = await home.slipway(["start", "-p", profile]);
  expect(stderr).toMatch(/would be valid only from .*, in 30 days by this machine's clock; made anew/);
  expect(await kept()).toBe("b");
  expect(await home.caFingerprint(profile)).toBe(ca);
});

test("a clock that jumps a day ahead while a start waits ends no wait, and no node sees it", async () => {
  await home.slipway(["stop", "-p", profile]);
  const clock = join(home.directory, "clock");
  await writeFile(clock, "+0\n");
  let jumped = false;
  await slipwayAt(clock, ["start", "-p", profile, "-o", "json"], {
    onLine: (line) => {
      if (jumped || !line.includes('"wait-for-api"')) return;
      jumped = true;
      void writeFile(clock, "+1d\n");
    },
  });
  expect(jumped).toBe(true);
  expect(await kept()).toBe("b");
  const { stdout } = await home.slipway(
    ["ssh", "-p", profile, "--", "sh", "-c", "cat /proc/[0-9]*/environ"],
    {
      allowFailure: true,
    },
  );
  expect(stdout).toContain("PATH=");
  expect(stdout).not.toMatch(/FAKETIME|LD_PRELOAD/);
});

test("a cluster that was made with the clock ahead is refused until it begins, and can be made anew", async () => {
  await startUntilCertificates("+30d", "ahead");
  const { exitCode, stderr } = await home.slipway(["start", "-p", "ahead"], { allowFailure: true });
  expect(exitCode, stderr).toBe(38);
  expect(stderr).toContain('this machine\'s clock is 30 days behind the certificates of "ahead"');
  expect(stderr).toContain("it was ahead when the cluster was made");
  await home.slipway(["delete", "-p", "ahead"]);
  await home.slipway(["start", "-p", "ahead"]);
  await home.kubectl("ahead", ["get", "nodes"]);
});
