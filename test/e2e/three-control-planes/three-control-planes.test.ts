import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlPlanes } from "../control-planes.js";
import { hostState, netexec, TestHome } from "../harness.js";
import { keepCalling } from "./calls.js";

// Three control planes: one is lost in the worst place, one is lost with its disk; then one, and three again.
const profile = "ha";
const nodes = ["ha", "ha-m02", "ha-m03"];
let home: TestHome;
let controlPlanes: ControlPlanes;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
  controlPlanes = new ControlPlanes(home, profile);
  await home.slipway(["start", "-p", profile, "--control-planes", "3", "--image", "agnhost"]);
});
afterAll(() => home[Symbol.asyncDispose]());

const statusOf = async (node: string) => {
  const { stdout } = await home.slipway(["status", "-p", profile, "-o", "json"], { allowFailure: true });
  const all = JSON.parse(stdout) as { Name: string; Host: string; APIServer: string }[];
  return all.find(({ Name }) => Name === node)!;
};

const appAnswers = async () => {
  const url = "http://app.default.svc.cluster.local/hostname";
  const args = ["exec", "deployment/app", "--", "curl", "-sf", "--max-time", "5", url];
  expect((await home.eventually(profile, args)).stdout).toMatch(/^app-/);
};

test("three control planes are Ready, and an app answers", async () => {
  expect(await controlPlanes.endpoint()).toMatch(/\.254$/);
  const { stdout } = await home.kubectl(profile, ["get", "nodes", "-o", "name"]);
  expect(stdout.trim().split("\n")).toEqual(nodes.map((name) => `node/${name}`));
  expect((await controlPlanes.members("ha")).map(({ name, votes }) => [name, votes])).toEqual(
    nodes.map((name) => [name, true]),
  );
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("app", { replicas: 3 }) });
  await home.kubectl(profile, ["rollout", "status", "deployment/app", "--timeout=90s"]);
  await appAnswers();
  for (const node of nodes)
    expect(await statusOf(node)).toMatchObject({ Host: "Running", APIServer: "Running" });
});

test("a control plane that shuts its API server down in order costs no call", async () => {
  const [kept, fresh] = [true, false].map(async (keepAlive) =>
    keepCalling(await controlPlanes.credentials(), { keepAlive }),
  );
  await controlPlanes.inNode("ha-m02", ["systemctl", "restart", "kube-apiserver"]);
  const seen = [await (await kept!).stop(), await (await fresh!).stop()];
  process.stderr.write(`API server restarted in order: ${JSON.stringify(seen)}\n`);
  expect(seen.flatMap(({ failures }) => failures)).toEqual([]);
});

test("the loss of the leader, which holds the endpoint's address, is a matter of seconds", async () => {
  const lost = await controlPlanes.holder(nodes);
  await controlPlanes.giveLead(lost, nodes);
  const [kept, fresh] = [true, false].map(async (keepAlive) =>
    keepCalling(await controlPlanes.credentials(), { keepAlive }),
  );
  await Promise.all([kept, fresh]);
  await controlPlanes.cutPower(lost);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const seen = [await (await kept!).stop(), await (await fresh!).stop()];
  process.stderr.write(`leader lost: ${JSON.stringify(seen)}\n`);
  for (const { longestSilenceMs } of seen) expect(longestSilenceMs).toBeLessThan(15_000);
  expect(await statusOf(lost)).toMatchObject({ Host: "Stopped", APIServer: "Stopped" });
  expect(await controlPlanes.holder(nodes)).not.toBe(lost);
  await home.kubectl(profile, ["create", "configmap", "written-meanwhile"]);

  await home.slipway(["node", "start", lost, "-p", profile]);
  await expect
    .poll(() => statusOf(lost), { timeout: 60_000, interval: 500 })
    .toMatchObject({
      Host: "Running",
      APIServer: "Running",
    });
  await appAnswers();
});

test("a node that is lost with its disk is made anew, and joins", async () => {
  const old = (await controlPlanes.members("ha")).find(({ name }) => name === "ha-m03")!;
  await controlPlanes.cutPower("ha-m03");
  await rm(join(home.env.XDG_STATE_HOME!, "slipway/machines", profile, "machines/ha-m03"), {
    recursive: true,
    force: true,
  });
  const refused = await home.slipway(["node", "delete", "ha-m02", "-p", profile], { allowFailure: true });
  expect(refused.exitCode).toBe(103);
  expect(refused.stderr).toContain("[QUORUM_LOST]");
  await home.slipway(["start", "-p", profile]);
  const now = await controlPlanes.members("ha");
  expect(now.map(({ name, votes }) => [name, votes])).toEqual(nodes.map((name) => [name, true]));
  expect(now.find(({ name }) => name === "ha-m03")!.id).not.toBe(old.id);
  await appAnswers();
});

test("down to one control plane, and up to three again", async () => {
  await home.slipway(["node", "delete", "ha-m02", "-p", profile]);
  await home.slipway(["node", "delete", "ha-m03", "-p", profile]);
  expect(await controlPlanes.endpoint()).toMatch(/\.2$/);
  expect((await controlPlanes.members("ha")).map(({ name }) => name)).toEqual(["ha"]);
  await appAnswers();

  await home.slipway(["node", "add", "--control-plane", "-p", profile]);
  await home.slipway(["node", "add", "--control-plane", "-p", profile]);
  expect(await controlPlanes.endpoint()).toMatch(/\.254$/);
  expect((await controlPlanes.members("ha")).map(({ name, votes }) => [name, votes])).toEqual(
    nodes.map((name) => [name, true]),
  );
  await home.kubectl(profile, ["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s"]);
  await home.kubectl(profile, ["get", "configmap", "written-meanwhile"]);
  await appAnswers();
  // Who still calls the first node's own address is answered.
  const direct = { ...(await controlPlanes.credentials()), server: "https://" };
  direct.server = (await controlPlanes.credentials()).server.replace(/\.254:/, ".2:");
  const calls = keepCalling(direct, { keepAlive: false });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await calls.stop()).failures).toEqual([]);
});

test("after delete nothing of ours remains on the host", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
