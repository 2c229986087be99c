import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CheckpointDisk } from "./disk.js";
import { staticCopy } from "./static-copy.js";
import type { Workload } from "./workload.js";

let directory: string;
let disk: CheckpointDisk;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-checkpoints-"));
  disk = new CheckpointDisk(directory);
  await disk.prepare();
});
afterEach(() => rm(directory, { recursive: true }));

const workload: Workload = { kind: "DaemonSet", namespace: "kube-system", name: "kube-apiserver" };
function copy(volume = "tls") {
  const result = staticCopy(
    {
      metadata: { name: "kube-apiserver-x2x4z", labels: { "controller-revision-hash": "5d" } },
      spec: {
        containers: [{ name: "main", image: "i" }],
        volumes: [{ name: volume, secret: { secretName: "s" } }],
      },
    },
    workload,
    new Map([["Secret/s", new Map([["key", Buffer.from("swordfish")]])]]),
    { directory, isSelf: false },
  );
  if ("refusals" in result) throw new Error(result.refusals.join());
  return result.copy;
}
const noProblem = (file: string, problem: string) => {
  throw new Error(`${file}: ${problem}`);
};
const load = async () => (await disk.load(noProblem)).get("kube-system/kube-apiserver");
const manifest = "kube-system-kube-apiserver.json";

test("a checkpoint is stored, activated, deactivated and removed", async () => {
  expect(await load()).toBeUndefined();
  await disk.store(workload, copy());
  const stored = await load();
  expect(stored).toMatchObject({ workload, revision: "5d", active: false });
  expect((await stat(join(directory, "inactive-manifests", manifest))).mode & 0o777).toBe(0o600);
  const data = join(directory, "checkpoint-secrets/kube-system/kube-apiserver/tls/key");
  expect(await readFile(data, "utf8")).toBe("swordfish");

  await disk.activate(stored!, new Date(0));
  expect(await load()).toEqual({ ...stored, active: true });
  const active = join(directory, "manifests", manifest);
  const first = await readFile(active, "utf8");
  await disk.activate(stored!, new Date(1));
  // Another pod to the kubelet, which makes the UID of the file's contents.
  expect(await readFile(active, "utf8")).not.toBe(first);

  await disk.deactivate(workload);
  expect(await load()).toEqual(stored);
  await disk.remove(workload);
  expect(await load()).toBeUndefined();
  expect(await readdir(join(directory, "checkpoint-secrets/kube-system"))).toEqual([]);
});

test("data that the new copy does not use goes", async () => {
  await disk.store(workload, copy("old"));
  await disk.store(workload, copy("new"));
  expect(await readdir(join(directory, "checkpoint-secrets/kube-system/kube-apiserver"))).toEqual(["new"]);
});

test("an activated copy whose checkpoint is gone is one itself", async () => {
  await disk.store(workload, copy());
  await disk.activate((await load())!, new Date(0));
  await rm(join(directory, "inactive-manifests", manifest));
  const found = await load();
  expect(found?.active).toBe(true);
  await disk.deactivate(workload);
  expect(await load()).toEqual({ ...found, active: false });
});

test("the cluster is known for as long as it is noted, and its note is no checkpoint", async () => {
  expect(await disk.cluster()).toBeUndefined();
  await disk.noteCluster("a");
  await disk.noteCluster("b");
  expect(await disk.cluster()).toBe("b");
  expect((await disk.load(noProblem)).size).toBe(0);
  await disk.forgetCluster();
  await disk.forgetCluster();
  expect(await disk.cluster()).toBeUndefined();
});

test("files of others are neither read nor touched, and torn ones are reported", async () => {
  await writeFile(join(directory, "manifests/etcd.json"), '{"kind":"Pod","metadata":{"name":"etcd"}}');
  await writeFile(join(directory, "manifests/torn.json"), "{");
  const problems: string[] = [];
  expect((await disk.load((file) => problems.push(file))).size).toBe(0);
  expect(problems).toEqual([join(directory, "manifests/torn.json")]);
  expect((await readdir(join(directory, "manifests"))).sort()).toEqual(["etcd.json", "torn.json"]);
});
