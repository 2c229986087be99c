import { copyFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exists } from "../../../src/base/files.js";
import { hostState, netexec, TestHome } from "../harness.js";

// Pod networks other than the default, one cluster after the other.
const usersManifest = fileURLToPath(new URL("flannel.yaml", import.meta.url));
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

interface NodeObject {
  metadata: { name: string };
  spec: { podCIDR: string };
  status: {
    addresses: { type: string; address: string }[];
    conditions: { type: string; status: string; message: string }[];
  };
}

const nodes = async (profile: string): Promise<NodeObject[]> =>
  JSON.parse((await home.kubectl(profile, ["get", "nodes", "-o", "json"])).stdout).items;

const readiness = async (profile: string) =>
  (await nodes(profile)).map(
    ({ status }) => status.conditions.find(({ type }) => type === "Ready")?.status ?? "not reported",
  );

const addressOf = ({ status }: NodeObject) =>
  status.addresses.find(({ type }) => type === "InternalIP")?.address;

async function deploy(profile: string, name: string, node: string): Promise<string> {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec(name, { node }) });
  await home.kubectl(profile, ["rollout", "status", `deployment/${name}`, "--timeout=90s"]);
  const { stdout } = await home.kubectl(profile, ["get", "pod", "-l", `app=${name}`, "-o", "json"]);
  return JSON.parse(stdout).items[0].status.podIP;
}

const curl = async (profile: string, from: string, url: string) =>
  (await home.fetchFrom(profile, from, url, 3)).stdout;

describe("flannel", () => {
  const profile = "cni-flannel";
  let nearIp: string;

  beforeAll(async () => {
    await home.slipway([
      ...["start", "-p", profile, "--cni", "flannel", "--nodes", "2", "--image", "agnhost"],
    ]);
    nearIp = await deploy(profile, "near", profile);
  });

  test("nodes are Ready, and joined by flannel's own device", async () => {
    expect(await readiness(profile)).toEqual(["True", "True"]);
    const { stdout } = await home.slipway(["ssh", "-p", profile, "--", "ip", "route"]);
    expect(stdout).toMatch(/^10\.244\.1\.0\/24 .*dev flannel\.1/m);
  });

  test("a pod reaches a Service on the other node by its name, and pods see each other's own addresses", async () => {
    const farIp = await deploy(profile, "far", `${profile}-m02`);
    expect(farIp).toMatch(/^10\.244\.1\./);
    expect(await curl(profile, "near", "http://far.default.svc.cluster.local/hostname")).toMatch(/^far-/);
    expect((await curl(profile, "near", `http://${farIp}:8080/clientip`)).split(":")[0]).toBe(nearIp);
    // What does not fit into one packet of the overlay comes through, too.
    const long = `http://${farIp}:8080/echo?msg=${"x".repeat(6000)}`;
    expect(await curl(profile, "near", long)).toHaveLength(6000);
  });

  test("pods leave the cluster under their node's address", async () => {
    const [, worker] = await nodes(profile);
    const gateway = addressOf(worker!)!.replace(/\d+$/, "1");
    const server = createServer((request, response) => response.end(request.socket.remoteAddress));
    await new Promise<void>((resolve) => server.listen(0, gateway, resolve));
    try {
      const { port } = server.address() as AddressInfo;
      expect(await curl(profile, "far", `http://${gateway}:${port}/`)).toBe(addressOf(worker!));
    } finally {
      server.close();
    }
  });

  test("it works again after a stop and a start", async () => {
    await home.slipway(["stop", "-p", profile]);
    await home.slipway(["start", "-p", profile]);
    expect(await curl(profile, "near", "http://far/hostname")).toMatch(/^far-/);
    await home.slipway(["delete", "-p", profile]);
  });
});

describe("a manifest", () => {
  const profile = "cni-manifest";

  test.each([
    ["nowhere.yaml", undefined, "nowhere.yaml: there is no such file"],
    ["torn.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n", "torn.yaml:4:1:"],
    [
      "nameless.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\n",
      "nameless.yaml:5:1 apiVersion: is missing",
    ],
  ])("%s is refused before anything is touched", async (file, text, complaint) => {
    if (text !== undefined) await writeFile(join(home.directory, file), text);
    const refused = await home.slipway(["start", "-p", profile, "--cni", `./${file}`], {
      cwd: home.directory,
      allowFailure: true,
    });
    expect(refused.exitCode).toBe(18);
    expect(refused.stderr).toContain(join(home.directory, complaint));
    expect(await exists(home.profileFile(profile, "cluster.json"))).toBe(false);
  });

  test("the user's own network is applied, and the cluster is Ready with it", async () => {
    const path = join(home.directory, "network.yaml");
    await copyFile(usersManifest, path);
    const start = ["start", "-p", profile, "--pod-cidr", "10.244.0.0/16", "--nodes", "2"];
    await home.slipway([...start, "--cni", "./network.yaml", "--image", "flannel", "--image", "agnhost"], {
      cwd: home.directory,
    });
    expect(await readiness(profile)).toEqual(["True", "True"]);
    const nearIp = await deploy(profile, "near", profile);
    const farIp = await deploy(profile, "far", `${profile}-m02`);
    expect(await curl(profile, "near", "http://far.default.svc.cluster.local/hostname")).toMatch(/^far-/);
    expect((await curl(profile, "near", `http://${farIp}:8080/clientip`)).split(":")[0]).toBe(nearIp);

    // Once it is in the cluster, the file is no longer needed.
    await rm(path);
    await home.slipway(["stop", "-p", profile]);
    const again = await home.slipway(["start", "-p", profile]);
    expect(again.stderr).toContain(
      `${path}: there is no such file; the cluster keeps the network that it has`,
    );
    expect(await curl(profile, "near", "http://far/hostname")).toMatch(/^far-/);
    await home.slipway(["delete", "-p", profile]);
  });
});

describe("none", () => {
  const profile = "cni-none";

  test("start does not wait for what cannot come, and says so", async () => {
    const { stderr } = await home.slipway([
      ...["start", "-p", profile, "--cni", "none", "--pod-cidr", "10.244.0.0/16", "--image", "flannel"],
    ]);
    expect(stderr).toContain("there is no pod network (--cni none): nodes are NotReady, and pods wait");
    const [node] = await nodes(profile);
    const ready = node?.status.conditions.find(({ type }) => type === "Ready");
    expect(ready?.status).toBe("False");
    expect(ready?.message).toContain("cni plugin not initialized");
    expect(node?.spec.podCIDR).toBe("10.244.0.0/24");
    // Who asks for it gets the wait, and the truth at its end.
    const waited = await home.slipway(
      ["start", "-p", profile, "--wait", "node_ready", "--wait-timeout", "1s"],
      { allowFailure: true },
    );
    expect(waited.exitCode).toBe(82);
  });

  test("the node gets Ready with the network that the user applies", async () => {
    await home.kubectl(profile, ["apply", "-f", usersManifest]);
    await home.kubectl(profile, ["wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"]);
    await home.kubectl(profile, [
      ...["rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=90s"],
    ]);
    const { stderr } = await home.slipway(["start", "-p", profile]);
    expect(stderr).not.toContain("there is no pod network");
    await home.slipway(["delete", "-p", profile]);
  });
});

test("nothing of ours remains on the host", async () => {
  expect(await hostState()).toEqual(before);
});
