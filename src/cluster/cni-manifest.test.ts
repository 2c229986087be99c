import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestContext } from "../components/test-context.js";
import { FakeDriver } from "../machines/fake/driver.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { resolveSpec } from "../spec/resolve.js";
import { facts } from "../spec/testing.js";
import { cniManifest } from "./cni-manifest.js";
import { clusterNetwork } from "./machine-spec.js";

const specWith = (cni: string): ClusterSpec =>
  resolveSpec(
    { apiVersion: "slipway.dev/v1alpha1", kind: "Cluster", metadata: { name: "demo" }, network: { cni } },
    facts,
  );

async function driverWithNode(spec: ClusterSpec): Promise<FakeDriver> {
  const driver = new FakeDriver();
  await driver.ensureNetwork(clusterNetwork(spec));
  await driver.create({
    cluster: "demo",
    name: "demo",
    role: "control-plane",
    address: spec.network.nodeSubnet.replace("0/24", "2"),
    layers: [],
    config: { ignition: { version: "3.4.0" } },
    mounts: [],
    ports: [],
    volumes: [],
  });
  return driver;
}

test("a built-in network has no manifest", async () => {
  await using context = await TestContext.create();
  expect(await cniManifest(specWith("none"), new FakeDriver(), context)).toEqual([]);
});

test("a new cluster needs its manifest; one that was made does not any more", async () => {
  await using context = await TestContext.create();
  const path = join(context.directory, "net.yaml");
  const spec = specWith(path);
  await expect(cniManifest(spec, new FakeDriver(), context)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `network.cni: ${path}: there is no such file`,
  });
  expect(await cniManifest(spec, await driverWithNode(spec), context)).toEqual([]);
  expect(context.seen).toEqual([
    {
      type: "warning",
      message: `network.cni: ${path}: there is no such file; the cluster keeps the network that it has`,
    },
  ]);
});

test("a manifest that is there has to be one, also for a cluster that was made", async () => {
  await using context = await TestContext.create();
  const path = join(context.directory, "net.yaml");
  const spec = specWith(path);
  await writeFile(path, "kind: Pod\n");
  await expect(cniManifest(spec, await driverWithNode(spec), context)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `${path}:1:1 apiVersion: is missing`,
  });
  await expect(cniManifest(specWith(context.directory), new FakeDriver(), context)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `network.cni: ${context.directory}: cannot be read (EISDIR)`,
  });
});
