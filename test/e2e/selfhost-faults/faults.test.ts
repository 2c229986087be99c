import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../../../bench/api-callers.js";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { run } from "../../../src/base/run.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";
import { Subject } from "../snapshot/app.js";
import { SmallDisk } from "./small-disk.js";

// A self-hosted control plane, and what goes wrong around it. One cluster; each test goes on where the last one ended.
const profile = "faultyself";
const before = "v1.35.4";
const after = "v1.36.3";
/** An API that 1.36 does not have any more: an API server of it that is told to serve it ends at once. */
const goneIn136 = "--extra-config=apiserver.runtime-config=scheduling.k8s.io/v1alpha1=true";
const harmless = "--extra-config=apiserver.max-requests-inflight=500";
let home: TestHome;
let disk: SmallDisk;
let subject: Subject;
let hostBefore: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  hostBefore = await hostState();
  home = await TestHome.create();
  disk = await SmallDisk.under(home, 8);
  subject = new Subject(home, profile);
});
afterAll(async () => {
  await home.slipway(["delete", "--all"], { allowFailure: true });
  await disk[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const driver = () =>
  hostDriver({
    paths: { ...resolvePaths(home.env, "/root"), state: `${home.env.XDG_STATE_HOME}/slipway` },
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  });

const status = async (): Promise<SelfhostStatus> =>
  JSON.parse(
    (await home.slipway(["selfhost", "status", "-p", profile, "-o", "json"], { allowFailure: true })).stdout,
  );

const system = (...args: string[]) => home.kubectl(profile, ["-n", "kube-system", ...args]);

const fails = async (args: string[]) => {
  const result = await home.slipway([...args, "-p", profile], { allowFailure: true });
  expect(result.exitCode, result.stderr).toBeGreaterThan(0);
  return result;
};

/** Versions of the control plane's pods, which are all well. */
async function expectWell(version: string, bootstrapper = "selfhosted"): Promise<void> {
  const seen = await status();
  expect(seen.odd).toEqual([]);
  expect(seen.bootstrapper).toBe(bootstrapper);
  const versions = seen.pods.flatMap(({ component, version: of }) =>
    component === "pod-checkpointer" ? [] : [of],
  );
  expect(new Set(versions)).toEqual(new Set([version]));
}

/** Does something while clients call the API. @returns what they saw but good answers */
async function meanwhile(work: () => Promise<unknown>): Promise<string[]> {
  const callers = callApi(await readFile(home.profileFile(profile, "kubeconfig"), "utf8"));
  await callers.started;
  try {
    await work();
  } finally {
    await callers.stop();
  }
  const { newConnection, keptHttp1, keptHttp2 } = callers.reports;
  return [newConnection, keptHttp1, keptHttp2].flatMap(({ failures }) => Object.keys(failures));
}

test("start, killed at every journal point", { timeout: 600_000 }, async () => {
  const args = ["start", "-p", profile, "--bootstrapper", "selfhosted", "--kubernetes-version", before];
  expect(await home.killAtEveryPoint([...args, "--image", "agnhost", goneIn136])).toBeGreaterThanOrEqual(50);
  await subject.make();
  await expectWell(before);
});

test("a clock that is an hour behind is told before anything is touched", async () => {
  for (const args of [["upgrade", "--to", after], ["unpivot"], ["recover"]]) {
    const { exitCode, stderr } = await run(
      "faketime",
      [
        "-m",
        "--exclude-monotonic",
        "-f",
        "-1h",
        process.execPath,
        slipwayProgram,
        "selfhost",
        ...args,
        "-p",
        profile,
      ],
      { env: { ...home.env, NO_FAKE_STAT: "1" }, allowFailure: true },
    );
    expect(exitCode, stderr).toBe(38);
    expect(stderr).toMatch(/clock is \d+ min behind the certificates/);
  }
});

test("a full disk is told before anything is touched", async () => {
  await disk.fill(200 * 1024 * 1024);
  try {
    for (const args of [["upgrade", "--to", after], ["unpivot"]]) {
      const { exitCode, stderr } = await fails(["selfhost", ...args]);
      expect(exitCode, stderr).toBe(26);
      expect(stderr).toMatch(/disk of faultyself has \d+ MiB left/);
    }
    await expectWell(before);
  } finally {
    await disk.empty();
  }
});

test("an upgrade that fails is taken back, and no call fails", async () => {
  const failures = await meanwhile(async () => {
    const { exitCode, stderr } = await fails(["selfhost", "upgrade", "--to", after]);
    expect(exitCode, stderr).toBe(100);
    expect(stderr).toMatch(/UPGRADE_FAILED/);
    expect(stderr).toContain(`the control plane is back at ${before}`);
    expect(stderr).toMatch(/exit code 1/);
  });
  expect(failures).toEqual([]);
  await expectWell(before);
});

test("the same by kubectl set image: the guard takes it back", async () => {
  const image = "-o=jsonpath={.spec.template.spec.containers[0].image}";
  const old = (await system("get", "daemonset/kube-apiserver", image)).stdout;
  const failures = await meanwhile(async () => {
    await system("set", "image", "daemonset/kube-apiserver", `kube-apiserver=${old.replace(before, after)}`);
    await home.eventually(
      profile,
      [
        "-n",
        "kube-system",
        "wait",
        "--for=jsonpath={.spec.template.spec.containers[0].image}=".concat(old),
        "daemonset/kube-apiserver",
        "--timeout=10s",
      ],
      200_000,
    );
    await system("rollout", "status", "daemonset/kube-apiserver", "--timeout=60s");
  });
  expect(failures).toEqual([]);
  await expectWell(before);
});

test("the cause mended, the upgrade goes, killed at every journal point", { timeout: 900_000 }, async () => {
  await home.slipway(["start", "-p", profile, harmless]);
  const points = await home.killAtEveryPoint(["selfhost", "upgrade", "-p", profile, "--to", after]);
  expect(points).toBeGreaterThanOrEqual(44);
  await expectWell(after);
  await subject.expectAsMade();
});

test("unpivot, killed at every journal point", { timeout: 600_000 }, async () => {
  expect(await home.killAtEveryPoint(["selfhost", "unpivot", "-p", profile])).toBeGreaterThanOrEqual(32);
  await expectWell(after, "static");
});

test("pivot, killed at every journal point", { timeout: 600_000 }, async () => {
  expect(await home.killAtEveryPoint(["selfhost", "pivot", "-p", profile])).toBeGreaterThanOrEqual(20);
  await expectWell(after);
  await subject.expectAsMade();
});

test("recover on a machine made anew, killed at every journal point", { timeout: 900_000 }, async () => {
  await home.slipway(["snapshot", "save", "-p", profile]);
  await driver().delete(profile, profile);
  expect(await home.killAtEveryPoint(["selfhost", "recover", "-p", profile])).toBeGreaterThanOrEqual(50);
  await subject.expectAsMade();
  await expectWell(after);
});

test("nothing is left", async () => {
  await home.slipway(["delete", "-p", profile]);
  await disk[Symbol.asyncDispose]();
  expect(await hostState()).toEqual(hostBefore);
});
