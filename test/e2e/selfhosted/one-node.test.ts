import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiCallers, callApi } from "../../../bench/api-callers.js";
import { systemClock } from "../../../src/base/clock.js";
import type { Context } from "../../../src/base/context.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import { inspectCertificate } from "../../../src/pki/inspect.js";
import { etcdctlSettings } from "../../../src/plan/etcd-client.js";
import { hostState, netexec, TestHome } from "../harness.js";
import { expireEverything } from "./expire.js";

// A self-hosted control plane's life on one node: each test goes on where the last one ended.
const profile = "self";
const workloads = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "pod-checkpointer"];
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

const context = (): Context => ({
  paths: { ...resolvePaths(home.env, "/root"), state: `${home.env.XDG_STATE_HOME}/slipway` },
  events: discardEvents,
  signal: new AbortController().signal,
  clock: systemClock,
});

const driver = () => hostDriver(context());

const inNode = async (script: string): Promise<string> =>
  (await driver().exec(profile, profile, ["/bin/sh", "-c", script])).stdout;

const names = async (...args: string[]): Promise<string[]> =>
  (await home.kubectl(profile, [...args, "-o", "name"])).stdout.split("\n").filter(Boolean);

/** Looks until it holds, for what comes about by itself. */
async function eventually(what: string, holds: () => Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > until) expect.fail(`in ${timeoutMs / 1000} s not: ${what}`);
    await delay(500);
  }
}

const noCheckpointRuns = async () =>
  (await inNode("ls /etc/kubernetes/manifests"))
    .split("\n")
    .filter((name) => !/checkpointer/.test(name))
    .join("") === "";

/** Of the Secret as etcd has it: encrypted, under the name of the way and of the key. */
const inEtcd = () =>
  inNode(`${etcdctlSettings}etcdctl get --print-value-only /registry/secrets/default/kept | head -c 30`);

async function expectSecretKept(): Promise<void> {
  const secret = await home.eventually(profile, ["get", "secret", "kept", "-o", "jsonpath={.data.word}"]);
  expect(Buffer.from(secret.stdout, "base64").toString()).toBe("here");
  expect(await inEtcd()).toContain("k8s:enc:secretbox:v1:key1:");
}

/** A disk that was lost: the node is off, and what etcd had is gone. */
async function loseEtcdData(): Promise<void> {
  await inNode("systemctl stop etcd; rm -rf /var/lib/etcd/member");
  await home.slipway(["stop", "-p", profile]);
}

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

test("the pivot: no call fails, over new and over kept connections", async () => {
  const kubeconfig = home.profileFile(profile, "kubeconfig");
  const starting = home.slipway([
    "start",
    "-p",
    profile,
    "--bootstrapper",
    "selfhosted",
    "--image",
    "agnhost",
  ]);
  let callers: ApiCallers | undefined;
  try {
    while (!existsSync(kubeconfig)) await Promise.race([starting, delay(50)]);
    callers = callApi(await readFile(kubeconfig, "utf8"));
    await starting;
  } finally {
    await callers?.stop();
  }
  for (const report of Object.values(callers.reports)) {
    expect(report.failures).toEqual({});
    expect(report.calls).toBeGreaterThan(20);
  }
});

test("the control plane is objects of the cluster, and nothing of the bootstrap one is left", async () => {
  const pods = await names("-n", "kube-system", "get", "pods", "-l", "tier=control-plane");
  for (const workload of workloads) expect(pods.join(" ")).toContain(`pod/${workload}-`);
  await eventually("no bootstrap pod is left", async () =>
    (await names("-n", "kube-system", "get", "pods")).every((name) => !name.includes("bootstrap")),
  );
  expect(await inNode("ls -A /etc/kubernetes; nft list tables")).not.toMatch(/bootstrap/);
  expect(await inNode("systemctl list-units --all --plain 'kube-*'")).not.toMatch(
    /kube-apiserver|kube-proxy/,
  );
});

test("no Secret holds an authority's key", async () => {
  const { stdout } = await home.kubectl(profile, ["get", "secrets", "-A", "-o", "json"]);
  const secrets = (JSON.parse(stdout) as { items: { data?: Record<string, string> }[] }).items;
  const keys = await Promise.all(
    ["ca.key", "etcd/ca.key", "front-proxy-ca.key"].map((name) =>
      readFile(home.profileFile(profile, `pki/${name}`), "utf8"),
    ),
  );
  const held = secrets.flatMap(({ data = {} }) => Object.values(data));
  for (const key of keys) expect(held).not.toContain(Buffer.from(key).toString("base64"));
});

const fourCheckpoints = () =>
  eventually("four checkpoints", async () => {
    const copies = await inNode("ls /etc/kubernetes/inactive-manifests /etc/kubernetes/manifests");
    return workloads.every((workload) => copies.includes(`kube-system-${workload}.json`));
  });

test("an app answers, and every workload has its checkpoint", async () => {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("web") });
  await home.kubectl(profile, ["rollout", "status", "deployment/web", "--timeout=60s"]);
  const answer = await home.fetchFrom(profile, "web", "http://web/hostname");
  expect(answer.stdout).toMatch(/^web-/);
  await fourCheckpoints();
});

test("all controller managers and schedulers are deleted: they come back", async () => {
  const selector = "k8s-app in (kube-controller-manager,kube-scheduler)";
  const old = await names("-n", "kube-system", "get", "pods", "-l", selector);
  await home.kubectl(profile, ["-n", "kube-system", "delete", "--force", "pods", "-l", selector]);
  await eventually("new ones are ready", async () => {
    await home.kubectl(profile, [
      "-n",
      "kube-system",
      "wait",
      "--for=condition=Ready",
      "pods",
      "-l",
      selector,
      "--timeout=5s",
    ]);
    const now = await names("-n", "kube-system", "get", "pods", "-l", selector);
    return (
      now.some((name) => name.includes("controller-manager")) && now.every((name) => !old.includes(name))
    );
  });
});

test("all API server pods are deleted: the API comes back", async () => {
  const old = await names("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-apiserver");
  // Its own end may cut the answer short.
  await home.kubectl(
    profile,
    ["-n", "kube-system", "delete", "pods", "--wait=false", "-l", "k8s-app=kube-apiserver"],
    { allowFailure: true },
  );
  await eventually("another pod of the DaemonSet is ready", async () => {
    const now = await names("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-apiserver");
    if (now.length === 0 || now.some((name) => old.includes(name))) return false;
    await home.kubectl(profile, [
      "-n",
      "kube-system",
      "rollout",
      "status",
      "daemonset/kube-apiserver",
      "--timeout=5s",
    ]);
    return true;
  });
});

test("Secrets are encrypted in etcd", async () => {
  await home.kubectl(profile, ["create", "secret", "generic", "kept", "--from-literal=word=here"]);
  await expectSecretKept();
});

test("off and on again: checkpoints bring the control plane up, and make way for it", async () => {
  await home.slipway(["stop", "-p", profile]);
  await home.slipway(["start", "-p", profile]);
  await home.eventually(profile, ["rollout", "status", "deployment/web", "--timeout=5s"]);
  await eventually("no checkpoint runs any more", noCheckpointRuns);
  await home.kubectl(profile, [
    "-n",
    "kube-system",
    "rollout",
    "status",
    "daemonset/kube-apiserver",
    "--timeout=90s",
  ]);
  await expectSecretKept();
});

test("recover from the API: the scheduler is gone for good, and comes back", async () => {
  await home.kubectl(profile, ["-n", "kube-system", "delete", "deployment", "kube-scheduler"]);
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("from api");
  await home.kubectl(profile, [
    "-n",
    "kube-system",
    "rollout",
    "status",
    "deployment/kube-scheduler",
    "--timeout=60s",
  ]);
  // A change of the user's, which outlasts all that follows.
  const patch = [{ op: "add", path: "/spec/template/spec/containers/0/command/-", value: "--v=3" }];
  const scheduler = ["-n", "kube-system", "patch", "deployment", "kube-scheduler", "--type=json"];
  await home.kubectl(profile, [...scheduler, "-p", JSON.stringify(patch)]);
});

test("recover from etcd: no API server is left, nor any copy of one", async () => {
  await inNode(
    "rm -rf /etc/kubernetes/inactive-manifests/* /etc/kubernetes/manifests/*; systemctl stop kubelet; systemctl restart slipway-pods containerd; systemctl start kubelet",
  );
  await eventually("the API is gone", async () => {
    const { exitCode } = await home.kubectl(profile, ["get", "--raw=/readyz", "--request-timeout=2s"], {
      allowFailure: true,
    });
    return exitCode !== 0;
  });
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile, "--from", "etcd"]);
  expect(stderr).toContain("from etcd");
  await home.kubectl(profile, ["rollout", "status", "deployment/web", "--timeout=60s"]);
  await expectSecretKept();
});

test("recover from a snapshot: the machine is destroyed, and the cluster is back with its data", async () => {
  await home.slipway(["snapshot", "save", "-p", profile]);
  await driver().delete(profile, profile);
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("from snapshot");
  await expectSecretKept();
  await home.eventually(profile, ["rollout", "status", "deployment/web", "--timeout=5s"]);
  const answer = await home.fetchFrom(profile, "web", "http://web/hostname");
  expect(answer.stdout).toMatch(/^web-/);
});

test("all certificates have expired: recover makes them anew under the same authority, and the cluster is back", async () => {
  const ca = await home.caFingerprint(profile);
  await fourCheckpoints();
  await expireEverything(profile, home, context());
  const check = await home.slipway(["certs", "check", "-p", profile], { allowFailure: true });
  expect(check.exitCode).toBe(108);
  expect(check.stderr).toMatch(/\d+ certificates expired[\s\S]*slipway selfhost recover -p self/);
  const status = await home.slipway(["status", "-p", profile], { allowFailure: true });
  expect(status.stdout).toContain("certificates: Expired");
  expect(status.stderr).toContain("slipway selfhost recover -p self");
  const renew = await home.slipway(["certs", "renew", "-p", profile], { allowFailure: true });
  expect(renew.stderr).toMatch(/API does not answer[\s\S]*slipway selfhost recover -p self/);

  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("made anew under the same authorities");
  // Not from the snapshot that there is, which is older.
  expect(stderr).toContain("from etcd");
  expect(await home.caFingerprint(profile)).toBe(ca);
  expect((await home.slipway(["certs", "check", "-p", profile])).stderr).toBe("");
  await expectSecretKept();
  await eventually("four checkpoints with certificates of today", async () => {
    const copies = await inNode("ls /etc/kubernetes/inactive-manifests");
    const directory = "/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver/files/pki";
    expect(inspectCertificate(await inNode(`cat ${directory}/apiserver.crt`), new Date()).expired).toBe(
      false,
    );
    return workloads.every((workload) => copies.includes(`kube-system-${workload}.json`));
  });
});

test("etcd's data are gone: the copies that serve an empty etcd are not the cluster, the snapshot is", async () => {
  await loseEtcdData();
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("from snapshot");
  await expectSecretKept();
  await eventually("no checkpoint runs any more", noCheckpointRuns);
});

test("etcd's data are gone and there is no snapshot: the control plane comes back from checkpoints, as it was", async () => {
  const listed = await home.slipway(["snapshot", "list", "-p", profile, "-o", "json"]);
  for (const { name } of JSON.parse(listed.stdout) as { name: string }[])
    await home.slipway(["snapshot", "delete", "-p", profile, name]);
  await eventually("a checkpoint with the user's flag", async () =>
    (await inNode("cat /etc/kubernetes/inactive-manifests/kube-system-kube-scheduler.json")).includes(
      "--v=3",
    ),
  );
  await loseEtcdData();
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("no other object of the cluster does");
  expect(stderr).toContain("from checkpoints");
  const command = "jsonpath={.spec.template.spec.containers[0].command}";
  const scheduler = ["-n", "kube-system", "get", "deployment", "kube-scheduler", "-o", command];
  expect((await home.kubectl(profile, scheduler)).stdout).toContain("--v=3");
  expect(await noCheckpointRuns()).toBe(true);
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("web") });
  expect((await home.fetchFrom(profile, "web", "http://web/hostname")).stdout).toMatch(/^web-/);
});

test("deleted, nothing is left of it", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
