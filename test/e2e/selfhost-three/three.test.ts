import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import { ControlPlanes } from "../control-planes.js";
import { hostState, netexec, TestHome } from "../harness.js";
import { failuresMeanwhile, statusOf } from "../selfhost-living/meanwhile.js";
import { keepCalling } from "../three-control-planes/calls.js";
import { isWhole } from "./whole.js";

// A self-hosted control plane on three nodes: each test goes on where the last one ended.
const profile = "trio";
const nodes = ["trio", "trio-m02", "trio-m03"];
const before = "v1.35.4";
const after = "v1.36.3";
let home: TestHome;
let controlPlanes: ControlPlanes;
let host: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  host = await hostState();
  home = await TestHome.create();
  controlPlanes = new ControlPlanes(home, profile);
  const shape = ["--bootstrapper", "selfhosted", "--control-planes", "3"];
  const contents = ["--kubernetes-version", before, "--image", "agnhost"];
  await home.slipway(["start", "-p", profile, ...shape, ...contents]);
});
afterAll(() => home[Symbol.asyncDispose]());

/** From the upgrade of the control plane alone until every node was off. */
let lateKubelets = false;
const whole = (origin?: "self-hosted" | "static") => {
  const meant = lateKubelets ? [/^kubelets of another version/] : [];
  return isWhole({ home, profile, controlPlanes }, nodes, origin, meant);
};

async function appAnswers(): Promise<void> {
  await home.eventually(profile, ["rollout", "status", "deployment/app", "--timeout=5s"], 120_000);
  const { stdout } = await home.fetchFrom(profile, "app", "http://app/hostname");
  expect(stdout).toMatch(/^app-/);
}

/** The node of the pod that leads for a component. */
async function leaderOf(component: string): Promise<string | undefined> {
  const [lease, pods] = await Promise.all([
    home.eventually(profile, ["-n", "kube-system", "get", "lease", component, "-o", "json"]),
    home.eventually(profile, [
      "-n",
      "kube-system",
      "get",
      "pods",
      "-l",
      `k8s-app=${component}`,
      "-o",
      "json",
    ]),
  ]);
  const holder: string = JSON.parse(lease.stdout).spec.holderIdentity ?? "";
  const { items } = JSON.parse(pods.stdout) as {
    items: { metadata: { name: string }; spec: { nodeName: string } }[];
  };
  return items.find(({ metadata }) => holder.startsWith(`${metadata.name}_`))?.spec.nodeName;
}

test("every component and an etcd member are on each of three nodes, and an app answers", async () => {
  expect(await controlPlanes.endpoint()).toMatch(/\.254$/);
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("app", { replicas: 3 }) });
  await whole();
  await appAnswers();
});

const kubelets = async () => (await statusOf(home, profile)).nodes.map(({ kubelet }) => kubelet);

test("an upgrade of the control plane, without a failed call", async () => {
  const upgrade = ["selfhost", "upgrade", "-p", profile, "--to", after, "--control-plane-only"];
  expect(await failuresMeanwhile(home, profile, upgrade)).toEqual([]);
  lateKubelets = true;
  await whole();
  const { kubernetesVersion, pods } = await statusOf(home, profile);
  expect(kubernetesVersion).toBe(after);
  const versions = pods.filter(({ component }) => component !== "pod-checkpointer").map((pod) => pod.version);
  expect(new Set(versions)).toEqual(new Set([after]));
  expect(await kubelets()).toEqual(nodes.map(() => before));
});

test("to static pods and back to objects, without a failed call", async () => {
  expect(await failuresMeanwhile(home, profile, ["selfhost", "unpivot", "-p", profile])).toEqual([]);
  await whole("static");
  expect(await failuresMeanwhile(home, profile, ["selfhost", "pivot", "-p", profile])).toEqual([]);
  await whole();
});

test("the loss of the leaders' node, which holds the endpoint's address, is a matter of seconds", async () => {
  const lost = await expect
    .poll(() => leaderOf("kube-controller-manager"), { timeout: 60_000, interval: 1000 })
    .toSatisfy((node) => nodes.includes(node as string))
    .then(async () => (await leaderOf("kube-controller-manager"))!);
  const others = nodes.filter((node) => node !== lost);
  await controlPlanes.giveLead(lost, nodes);
  for (const node of others) await controlPlanes.inNode(node, ["systemctl", "stop", "keepalived"]);
  await expect.poll(() => controlPlanes.holder(nodes), { timeout: 20_000 }).toBe(lost);
  for (const node of others) await controlPlanes.inNode(node, ["systemctl", "start", "keepalived"]);

  const calls = keepCalling(await controlPlanes.credentials(), { keepAlive: false });
  await controlPlanes.cutPower(lost);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const { longestSilenceMs } = await calls.stop();
  process.stderr.write(`leaders' node lost: silence of ${longestSilenceMs} ms\n`);
  expect(longestSilenceMs).toBeLessThan(15_000);
  for (const component of ["kube-controller-manager", "kube-scheduler"])
    await expect
      .poll(() => leaderOf(component), { timeout: 60_000, interval: 1000 })
      .toSatisfy((node) => others.includes(node as string));
  // What leads does its work.
  await home.kubectl(profile, ["scale", "deployment", "app", "--replicas=4"]);
  await home.eventually(profile, ["wait", "deployment/app", "--for=jsonpath={.status.updatedReplicas}=4"]);

  await home.slipway(["node", "start", lost, "-p", profile]);
  await whole();
  await appAnswers();
});

test("a node that is lost with its disk is made anew, and joins", async () => {
  const lost = nodes[2]!;
  const { id } = (await controlPlanes.members(nodes[0]!)).find(({ name }) => name === lost)!;
  await controlPlanes.cutPower(lost);
  await rm(join(home.env.XDG_STATE_HOME!, "slipway/machines", profile, "machines", lost), {
    recursive: true,
    force: true,
  });
  await home.slipway(["start", "-p", profile]);
  await whole();
  expect((await controlPlanes.members(nodes[0]!)).find(({ name }) => name === lost)!.id).not.toBe(id);
});

test("a power cut of all three: checkpoints bring the control plane up, with kubelets of its version", async () => {
  await Promise.all(nodes.map((node) => controlPlanes.cutPower(node)));
  await home.slipway(["start", "-p", profile]);
  lateKubelets = false;
  await whole();
  expect(await kubelets()).toEqual(nodes.map(() => after));
  await appAnswers();
});

test("all machines are destroyed, and recover makes them anew over a snapshot", async () => {
  await home.kubectl(profile, ["create", "secret", "generic", "kept", "--from-literal=word=here"]);
  await home.slipway(["snapshot", "save", "-p", profile]);
  const driver = hostDriver({
    paths: { ...resolvePaths(home.env, "/root"), state: `${home.env.XDG_STATE_HOME}/slipway` },
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  });
  for (const node of nodes) await driver.delete(profile, node);
  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile]);
  expect(stderr).toContain("from snapshot");
  const secret = await home.kubectl(profile, ["get", "secret", "kept", "-o", "jsonpath={.data.word}"]);
  expect(Buffer.from(secret.stdout, "base64").toString()).toBe("here");
  await whole();
  await appAnswers();
});

test("deleted, nothing is left of it", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(host);
});
