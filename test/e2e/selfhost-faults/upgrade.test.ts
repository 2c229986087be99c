import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";
import { callsMeanwhile, failuresMeanwhile, failuresOf, statusOf } from "../selfhost-living/meanwhile.js";
import { FaultyCluster } from "./cluster.js";
import { SmallDisk } from "./small-disk.js";

// A self-hosted control plane of one node, with a worker, gets other certificates and versions; and what goes wrong with that. Each
// test goes on where the last one ended.
const profile = "faultyup";
const before = "v1.35.4";
const after = "v1.36.3";
/** An API that 1.36 does not have any more: an API server of it that is told to serve it ends at once. */
const goneIn136 = "--extra-config=apiserver.runtime-config=scheduling.k8s.io/v1alpha1=true";
const upgrade = ["upgrade", "--to", after];
let home: TestHome;
let disk: SmallDisk;
let cluster: FaultyCluster;
let hostBefore: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  hostBefore = await hostState();
  home = await TestHome.create();
  disk = await SmallDisk.under(home, 8);
  cluster = new FaultyCluster(home, profile);
  const version = ["--kubernetes-version", before];
  const shape = ["--bootstrapper", "selfhosted", "--nodes", "2"];
  await home.slipway(["start", "-p", profile, ...shape, ...version, goneIn136]);
  await home.kubectl(profile, ["create", "configmap", "kept", "--from-literal=a=1"]);
});
afterAll(async () => {
  await home.slipway(["delete", "--all"], { allowFailure: true });
  await disk[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

test("what cannot be an upgrade is refused before anything is touched", async () => {
  const back = await cluster.selfhost(["upgrade", "--to", "1.34.4"], { allowFailure: true });
  expect(back.stderr).toContain("is older");
  const start = await home.slipway(["start", "-p", profile, "--kubernetes-version", after], {
    allowFailure: true,
  });
  expect(start.stderr).toContain(`selfhost upgrade -p ${profile} --to ${after}`);
});

test.each([upgrade, ["unpivot"], ["recover"]].map((args) => [args]))(
  "a clock that is an hour behind is told before anything is touched: %j",
  async (args) => {
    const faketime = ["-m", "--exclude-monotonic", "-f", "-1h"];
    const { exitCode, stderr } = await run(
      "faketime",
      [...faketime, process.execPath, slipwayProgram, "selfhost", ...args, "-p", profile],
      { env: { ...home.env, NO_FAKE_STAT: "1" }, allowFailure: true },
    );
    expect(exitCode, stderr).toBe(38);
    expect(stderr).toMatch(/clock is \d+ min behind the certificates/);
    expect(stderr).toContain("nothing was touched");
  },
);

test("so is a full disk, and there is nothing to clean up", async () => {
  await disk.fill(200 * 1024 * 1024);
  try {
    for (const args of [upgrade, ["unpivot"]]) {
      const { exitCode, stderr } = await cluster.selfhost(args, { allowFailure: true });
      expect(exitCode, stderr).toBe(26);
      expect(stderr).toMatch(/disk of faultyup has \d+ MiB left; this needs \d+ MiB/);
    }
    await cluster.expectWell(before);
  } finally {
    await disk.empty();
  }
});

test("new certificates reach the pods without a failed call", async () => {
  const expiry = ({ certificates }: SelfhostStatus) => certificates.map(({ notBefore }) => String(notBefore));
  const old = expiry(await statusOf(home, profile));
  expect(await failuresMeanwhile(home, profile, ["certs", "renew", "-p", profile])).toEqual([]);
  await cluster.expectWell(before);
  const { certificates } = await statusOf(home, profile);
  const renewed = certificates.filter(({ file }) => !file.includes("ca.crt"));
  expect(renewed.length).toBeGreaterThan(0);
  for (const { notBefore } of renewed) expect(old).not.toContain(String(notBefore));
});

test("an upgrade whose API server cannot come up is taken back, and no call fails", async () => {
  const calls = await callsMeanwhile(home, profile, async () => {
    const { exitCode, stderr } = await cluster.selfhost(upgrade, { allowFailure: true });
    expect(exitCode, stderr).toBe(100);
    expect(stderr).toContain("UPGRADE_FAILED");
    expect(stderr).toContain(`the control plane is back at ${before}`);
    expect(stderr).toMatch(
      /container kube-apiserver ended with exit code 1, .*scheduling.k8s.io\/v1alpha1.*not been registered/,
    );
  });
  expect(failuresOf(calls)).toEqual([]);
  await cluster.expectWell(before);
});

const imagePath = "{.spec.template.spec.containers[0].image}";
const apiServerImage = async () =>
  (await cluster.system("get", "daemonset/kube-apiserver", `-o=jsonpath=${imagePath}`)).stdout;

test("the same by kubectl set image: the guard takes it back, and the API serves on", async () => {
  const argument = [
    { op: "add", path: "/spec/template/spec/containers/0/args/-", value: "--rollback-after=20s" },
  ];
  await cluster.system(
    "patch",
    "daemonset/pod-checkpointer",
    "--type=json",
    `-p=${JSON.stringify(argument)}`,
  );
  await cluster.system("rollout", "status", "daemonset/pod-checkpointer", "--timeout=90s");
  const good = await apiServerImage();
  const calls = await callsMeanwhile(home, profile, async () => {
    const bad = good.replace(before, after);
    await cluster.system("set", "image", "daemonset/kube-apiserver", `kube-apiserver=${bad}`);
    const isBack = `--for=jsonpath=${imagePath}=${good}`;
    await cluster.system("wait", isBack, "daemonset/kube-apiserver", "--timeout=150s");
    await cluster.system("rollout", "status", "daemonset/kube-apiserver", "--timeout=90s");
  });
  // One that shares the port for a moment and ends takes along who came to it.
  for (const { failedCalls, calls: all, longestSilenceMs } of Object.values(calls)) {
    expect(failedCalls / all).toBeLessThan(0.02);
    expect(longestSilenceMs).toBeLessThan(10_000);
  }
  const events = await cluster.system("get", "events", "--field-selector=reason=RolledBack", "-o=name");
  expect(events.stdout).not.toBe("");
  await cluster.expectWell(before);
});

test("the cause mended, the same upgrade succeeds, kubelet and all, though it is killed between all steps: no call fails", {
  timeout: 600_000,
}, async () => {
  await home.slipway(["start", "-p", profile, "--extra-config=apiserver.max-requests-inflight=500"]);
  const calls = await callsMeanwhile(home, profile, async () => {
    const kills = await home.killAtEveryState(["selfhost", ...upgrade, "-p", profile]);
    expect(kills).toBeGreaterThanOrEqual(22);
  });
  expect(failuresOf(calls)).toEqual([]);
  await cluster.expectWell(after);
  const seen = await statusOf(home, profile);
  expect(seen.kubernetesVersion).toBe(after);
  expect(seen.nodes.map(({ kubelet }) => kubelet)).toEqual([after, after]);
  expect(seen.lastSnapshot?.name).toMatch(/^before-v1\.36\.3-/);
  await home.kubectl(profile, ["get", "configmap", "kept"]);
});

test("another image that is good, by kubectl set image: hardly a call fails", async () => {
  const other = (await apiServerImage()).replace(after, before);
  const calls = await callsMeanwhile(home, profile, async () => {
    await cluster.system("set", "image", "daemonset/kube-apiserver", `kube-apiserver=${other}`);
    await cluster.system("rollout", "status", "daemonset/kube-apiserver", "--timeout=120s");
  });
  process.stderr.write(`set image: ${JSON.stringify(calls)}\n`);
  // No bridge takes the calls: two API servers share the port, and the newcomer answers before it knows who may do what.
  for (const { failedCalls, calls: all, failures, longestSilenceMs } of Object.values(calls)) {
    expect(failedCalls / all, JSON.stringify(failures)).toBeLessThan(0.01);
    expect(longestSilenceMs).toBeLessThan(5_000);
  }
  expect(await apiServerImage()).toBe(other);
  const { stdout } = await home.kubectl(profile, ["get", "--raw=/version"]);
  expect(JSON.parse(stdout).gitVersion).toMatch(/^v1\.35\.4/);
  await home.kubectl(profile, ["get", "configmap", "kept"]);
});

test("nothing is left", async () => {
  await home.slipway(["delete", "-p", profile]);
  await disk[Symbol.asyncDispose]();
  expect(await hostState()).toEqual(hostBefore);
});
