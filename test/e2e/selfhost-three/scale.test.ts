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

/** Runs a command while somebody calls the first node's API server. @returns how long no call had an answer, at most */
async function silenceMeanwhile(args: string[]): Promise<number> {
  const first = (await controlPlanes.credentials()).server.replace(/\.\d+:/, ".2:");
  const calls = keepCalling({ ...(await controlPlanes.credentials()), server: first }, { keepAlive: false });
  await home.slipway(args);
  const seen = await calls.stop();
  process.stderr.write(`${args.join(" ")}: ${JSON.stringify(seen)}\n`);
  return seen.longestSilenceMs;
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
  // etcd takes its second member's flags with a restart, and has nobody beside it yet.
  const add = ["node", "add", "--control-plane", "-p", profile];
  expect(await silenceMeanwhile(add)).toBeLessThan(15_000);
  await whole(nodes.slice(0, 2));
  expect(await silenceMeanwhile(add)).toBeLessThan(3_000);
  expect(await controlPlanes.endpoint()).toMatch(/\.254$/);
  await whole(nodes);
  await appAnswers();
});

test("and back to one, with the data and the flags of the user's", async () => {
  await home.kubectl(profile, ["create", "configmap", "written-to-three"]);
  for (const node of nodes.slice(1))
    expect(await silenceMeanwhile(["node", "delete", node, "-p", profile])).toBeLessThan(15_000);
  expect(await controlPlanes.endpoint()).toMatch(/\.2$/);
  await whole(nodes.slice(0, 1));
  await home.kubectl(profile, ["get", "configmap", "written-to-three"]);
  const command = ["-n", "kube-system", "get", "daemonset", "kube-apiserver", "-o", "yaml"];
  expect((await home.kubectl(profile, command)).stdout).toContain("--v=1");
  await appAnswers();
});
