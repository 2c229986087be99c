import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlPlanes } from "../control-planes.js";
import { netexec, TestHome } from "../harness.js";
import { keepCalling } from "../three-control-planes/calls.js";
import { isWhole } from "./whole.js";

// A self-hosted control plane from one node to three and back: each test goes on where the last one ended.
const profile = "grown";
const nodes = ["grown", "grown-m02", "grown-m03"];
let home: TestHome;
let controlPlanes: ControlPlanes;

beforeAll(async () => {
  home = await TestHome.create();
  controlPlanes = new ControlPlanes(home, profile);
  await home.slipway(["start", "-p", profile, "--bootstrapper", "selfhosted", "--image", "agnhost"]);
});
afterAll(() => home[Symbol.asyncDispose]());

const whole = (wanted: readonly string[]) => isWhole({ home, profile, controlPlanes }, wanted);

async function appAnswers(): Promise<void> {
  const { stdout } = await home.fetchFrom(profile, "app", "http://app/hostname");
  expect(stdout).toMatch(/^app-/);
}

/**
 * Runs a command while somebody calls the first node's API server, each time over a connection of its own. @returns what failed
 * otherwise than by a busy machine's slowness
 */
async function failuresMeanwhile(args: string[]): Promise<string[]> {
  const first = (await controlPlanes.credentials()).server.replace(/\.\d+:/, ".2:");
  const calls = keepCalling({ ...(await controlPlanes.credentials()), server: first }, { keepAlive: false });
  await home.slipway(args);
  const seen = await calls.stop();
  process.stderr.write(`${args.join(" ")}: ${JSON.stringify(seen)}\n`);
  return seen.failures.filter((failure) => !failure.startsWith("no answer in"));
}

/** The process of the first node's member, and its command line. */
async function etcdOfFirst(): Promise<string> {
  const show = 'pid=$(systemctl show -P MainPID etcd); echo "$pid"; tr "\\0" " " < /proc/$pid/cmdline';
  return (await controlPlanes.inNode(nodes[0]!, ["/bin/sh", "-c", show])).stdout;
}

test("from one node to three: the endpoint moves, and whoever calls the first node's address goes on", async () => {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("app") });
  await home.kubectl(profile, ["rollout", "status", "deployment/app", "--timeout=90s"]);
  await home.kubectl(profile, [
    ...["-n", "kube-system", "patch", "daemonset", "kube-apiserver", "--type=json", "-p"],
    JSON.stringify([{ op: "add", path: "/spec/template/spec/containers/0/command/-", value: "--v=1" }]),
  ]);
  await home.kubectl(profile, ["-n", "kube-system", "rollout", "status", "daemonset/kube-apiserver"]);
  expect(await controlPlanes.endpoint()).toMatch(/\.2$/);
  const add = ["node", "add", "--control-plane", "-p", profile];
  const alone = await etcdOfFirst();
  expect(alone).toContain("--heartbeat-interval");
  expect(await failuresMeanwhile(add)).toEqual([]);
  expect(await etcdOfFirst()).toBe(alone);
  await whole(nodes.slice(0, 2));
  expect(await failuresMeanwhile(add)).toEqual([]);
  // With two beside it, it took up the flags of one of several.
  expect(await etcdOfFirst()).not.toContain("--heartbeat-interval");
  expect(await controlPlanes.endpoint()).toMatch(/\.254$/);
  await whole(nodes);
  await appAnswers();
});

test("and back to one, with the data and the flags of the user's", async () => {
  await home.kubectl(profile, ["create", "configmap", "written-to-three"]);
  for (const node of nodes.slice(1))
    expect(await failuresMeanwhile(["node", "delete", node, "-p", profile])).toEqual([]);
  expect(await controlPlanes.endpoint()).toMatch(/\.2$/);
  await whole(nodes.slice(0, 1));
  await home.kubectl(profile, ["get", "configmap", "written-to-three"]);
  const command = ["-n", "kube-system", "get", "daemonset", "kube-apiserver", "-o", "yaml"];
  expect((await home.kubectl(profile, command)).stdout).toContain("--v=1");
  await appAnswers();
});
