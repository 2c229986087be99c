import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import {
  findInKubeconfig,
  mergeKubeconfig,
  removeFromKubeconfig,
} from "../../../src/kube/kubeconfig-file.js";
import { clusterKubeconfig } from "../../../src/pki/kubeconfig.js";
import { findKubectl } from "./binaries.js";

let program: string;
let directory: string;
beforeAll(async () => {
  program = await findKubectl();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-kubectl-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const kubectl = async (files: string[], ...args: string[]) =>
  (await run(program, args, { env: { KUBECONFIG: files.join(":") } })).stdout;
const merge = (files: string[], profile: string) =>
  mergeKubeconfig(
    files,
    clusterKubeconfig({
      cluster: "c",
      server: "https://127.0.0.1:6443",
      caPem: "ca",
      user: "u",
      certificatePem: "certificate",
      privateKeyPem: "key",
      contextName: "x",
    }).text,
    { profile },
  );
const inDirectory = (...names: string[]) => names.map((name) => join(directory, name));

test("kubectl reads what we write, whatever the profile is called", async () => {
  const files = inDirectory("config");
  for (const profile of ["demo", "on", "1e3", "007"]) {
    await merge(files, profile);
    expect(await kubectl(files, "config", "current-context")).toBe(profile);
  }
  const config = JSON.parse(await kubectl(files, "config", "view", "-o", "json", "--raw"));
  expect(config.contexts.map(({ name }: { name: string }) => name).sort()).toEqual([
    "007",
    "1e3",
    "demo",
    "on",
  ]);
  expect(config.contexts[0].context).toMatchObject({ cluster: config.contexts[0].name });
});

test("we read what kubectl writes, and our mark survives it", async () => {
  const files = inDirectory("config");
  await merge(files, "demo");
  await kubectl(files, "config", "set-context", "demo", "--namespace=shop");
  await kubectl(files, "config", "set-cluster", "other", "--server=https://other.example");
  expect(await merge(files, "demo")).toBe(false);
  expect(await kubectl(files, "config", "view", "--minify", "-o", "jsonpath={..namespace}")).toBe("shop");
  await removeFromKubeconfig(files, "demo");
  expect(await kubectl(files, "config", "get-contexts", "-o", "name")).toBe("");
  expect(await kubectl(files, "config", "get-clusters")).toBe("NAME\nother");
});

test.each([
  ["none is there", []],
  ["the first is there", ["a"]],
  ["the second is there", ["b"]],
  ["both are there", ["b", "a"]],
])("in a list of files the new entry goes where kubectl puts its own: %s", async (_what, present) => {
  const ours = inDirectory("ours-a", "ours-b");
  const theirs = inDirectory("theirs-a", "theirs-b");
  for (const name of present)
    for (const whose of ["ours", "theirs"])
      await writeFile(join(directory, `${whose}-${name}`), "kind: Config\n");
  await merge(ours, "demo");
  await kubectl(theirs, "config", "set-context", "demo", "--cluster=demo");
  await kubectl(theirs, "config", "use-context", "demo");
  const holders = async (files: string[]) =>
    Promise.all(files.map(async (file) => /name: demo\b/.test(await readFile(file, "utf8").catch(() => ""))));
  expect(await holders(ours)).toEqual(await holders(theirs));
  expect(await kubectl(ours, "config", "current-context")).toBe("demo");
});

test("kubectl and we write at the same time: we lose nothing of kubectl's, and nothing tears", async () => {
  const files = inDirectory("config");
  await merge(files, "first");
  const theirs = (async () => {
    let written = 0;
    for (let i = 0; i < 20; i++) {
      // kubectl does not wait for a lock, it fails: then try again, as a person would.
      for (let tries = 0; tries < 50; tries++) {
        const { exitCode } = await run(program, ["config", "set-cluster", `k${i}`, "--server=https://k"], {
          env: { KUBECONFIG: files[0] },
          allowFailure: true,
        });
        if (exitCode !== 0) continue;
        written++;
        break;
      }
    }
    return written;
  })();
  for (let i = 0; i < 20; i++) await merge(files, `s${i}`);
  expect(await theirs).toBe(20);
  const clusters = (await kubectl(files, "config", "get-clusters")).split("\n");
  expect(clusters).toEqual(expect.arrayContaining(Array.from({ length: 20 }, (_, i) => `k${i}`)));
  // kubectl reads before it locks, and then deletes what came in between (client-go `clientcmd/config.go` ModifyConfig):
  // of ours only what was merged when it had ended is sure to be there.
  await merge(files, "last");
  expect((await findInKubeconfig(files, "last"))?.isCurrent).toBe(true);
  expect((await readdir(directory)).sort()).toEqual([".config.slipway.lock", "config"]);
});
