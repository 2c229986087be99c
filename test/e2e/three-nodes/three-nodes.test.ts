import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { hostState, netexec, TestHome } from "../harness.js";

// Three nodes, one taken away and one added; a second profile beside it with the same pod network.
const profile = "three";
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
  await home.slipway([
    "start",
    "-p",
    profile,
    "--nodes",
    "3",
    "--image",
    "agnhost",
    "--ports",
    "18080:30080",
  ]);
});
afterAll(() => home[Symbol.asyncDispose]());

const get = async (url: string, from: string) => home.fetchFrom(profile, from, url);

test("all three are Ready, with the pod CIDRs of the plan", async () => {
  const { stdout } = await home.kubectl(profile, ["get", "nodes", "-o", "json"]);
  const nodes = JSON.parse(stdout).items as { metadata: { name: string }; spec: { podCIDR: string } }[];
  expect(nodes.map(({ metadata, spec }) => [metadata.name, spec.podCIDR])).toEqual([
    ["three", "10.244.0.0/24"],
    ["three-m02", "10.244.1.0/24"],
    ["three-m03", "10.244.2.0/24"],
  ]);
});

test("a Service is reached by its name from another node, and pods see each other's own addresses", async () => {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("near", { node: "three-m02" }) });
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("far", { node: "three-m03" }) });
  for (const name of ["near", "far"]) {
    await home.kubectl(profile, ["rollout", "status", `deployment/${name}`, "--timeout=90s"]);
  }
  expect((await get("http://far.default.svc.cluster.local/hostname", "near")).stdout).toMatch(/^far-/);
  const { stdout: podIp } = await home.kubectl(profile, [
    "get",
    "pod",
    "-l",
    "app=near",
    "-o",
    "jsonpath={.items[0].status.podIP}",
  ]);
  const { stdout: farIp } = await home.kubectl(profile, [
    "get",
    "pod",
    "-l",
    "app=far",
    "-o",
    "jsonpath={.items[0].status.podIP}",
  ]);
  const seen = await get(`http://${farIp}:8080/clientip`, "near");
  expect(seen.stdout.split(":")[0]).toBe(podIp);
});

test("a NodePort is reached through the port that the host publishes", async () => {
  const patch = { spec: { type: "NodePort", ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] } };
  await home.kubectl(profile, ["patch", "service", "near", "--type=merge", "-p", JSON.stringify(patch)]);
  await expect
    .poll(
      async () =>
        (
          await run("curl", ["-s", "--max-time", "3", "http://127.0.0.1:18080/hostname"], {
            allowFailure: true,
          })
        ).stdout,
      { timeout: 30_000, interval: 500 },
    )
    .toMatch(/^near-/);
});

test("port-forward and logs reach a pod on a worker", async () => {
  const logs = await home.kubectl(profile, ["logs", "deployment/far"]);
  expect(logs.stdout + logs.stderr).toContain("Started HTTP server");
  const { start } = await import("../../../src/base/run.js");
  const { slipwayProgram } = await import("../harness.js");
  const forward = start(
    process.execPath,
    [slipwayProgram, "kubectl", "-p", profile, "--", "port-forward", "deployment/far", "18081:8080"],
    { env: home.env },
  );
  try {
    await expect
      .poll(
        async () =>
          (
            await run("curl", ["-s", "--max-time", "3", "http://127.0.0.1:18081/hostname"], {
              allowFailure: true,
            })
          ).stdout,
        { timeout: 30_000, interval: 500 },
      )
      .toMatch(/^far-/);
  } finally {
    forward.kill();
    await forward;
  }
});

test("a node is deleted and another takes its place", async () => {
  await home.slipway(["node", "delete", "three-m02", "-p", profile]);
  const left = await home.kubectl(profile, ["get", "nodes", "-o", "name"]);
  expect(left.stdout.split("\n")).toEqual(["node/three", "node/three-m03"]);
  await home.slipway(["node", "add", "-p", profile]);
  const now = await home.kubectl(profile, ["get", "nodes", "-o", "name"]);
  expect(now.stdout.split("\n")).toEqual(["node/three", "node/three-m02", "node/three-m03"]);
  await home.kubectl(profile, ["wait", "--for=condition=Ready", "node/three-m02", "--timeout=60s"]);
});

test("a second profile with the same pod network lives beside it", async () => {
  await home.slipway(["start", "-p", "beside", "--image", "agnhost"]);
  await home.kubectl("beside", ["apply", "-f", "-"], { input: netexec("other") });
  await home.kubectl("beside", ["rollout", "status", "deployment/other", "--timeout=90s"]);
  const other = await home.fetchFrom("beside", "other", "http://other/hostname");
  expect(other.stdout).toMatch(/^other-/);
  expect((await get("http://far/hostname", "far")).stdout).toMatch(/^far-/);
  const { stdout } = await home.slipway(["profile", "list", "-o", "json"]);
  expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(["beside", "three"]);
});

test("after delete --all nothing of ours remains on the host", async () => {
  await home.slipway(["delete", "--all"]);
  expect(await hostState()).toEqual(before);
});
