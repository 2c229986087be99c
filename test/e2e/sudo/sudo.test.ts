import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunOptions, run } from "../../../src/base/run.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";

// A user of this machine calls slipway with the real sudo, which keeps HOME as some set it up: what is in the user's home afterwards is the user's.
const user = "slipway-test";
const directory = `/home/${user}`;
const sudoers = `/etc/sudoers.d/${user}`;
const profile = "sudone";
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  home = await TestHome.create();
  await run("useradd", ["--create-home", "--home-dir", directory, "--shell", "/bin/sh", user]);
  const rules = [`Defaults:${user} !secure_path`, `${user} ALL=(root) NOPASSWD:SETENV: ${process.execPath}`];
  await writeFile(sudoers, `${rules.join("\n")}\n`, { mode: 0o440 });
  before = await hostState();
  await run("chmod", ["755", home.directory]);
  await home.slipway(["bundle", "create", join(home.directory, "slipway.bundle")]);
});
afterAll(async () => {
  await sudo(["delete", "-p", profile], { allowFailure: true });
  await rm(sudoers, { force: true });
  await run("userdel", ["--remove", user], { allowFailure: true });
  await home[Symbol.asyncDispose]();
});

const asUser = (command: string[], options: RunOptions = {}) =>
  run("runuser", ["-u", user, "--", "env", `HOME=${directory}`, ...command], {
    timeoutMs: 300_000,
    cwd: directory,
    ...options,
  });

/** With the user's HOME kept, which leaves more behind than sudo's own way. */
const sudo = (args: string[], options: RunOptions = {}) =>
  asUser(["sudo", "-n", "--preserve-env=HOME,PATH", process.execPath, slipwayProgram, ...args], options);

/** Trees of machines and images: their owners are those that they have in a node. */
const trees = [
  ".cache/slipway/debian/trees/*/root",
  ".cache/slipway/node-images/*/rootfs",
  ".cache/slipway/node-layers/*/tree",
  ".cache/slipway/image-sets/*/containerd",
  ".local/state/slipway/machines",
].map((path) => join(directory, path));

async function find(places: string[], ...expression: string[]): Promise<string[]> {
  const { stdout } = await run("find", [...places, ...expression]);
  return stdout.split("\n").filter(Boolean);
}

const notTheUsers = () =>
  find(
    [directory],
    ...["(", ...trees.flatMap((path, i) => [...(i === 0 ? [] : ["-o"]), "-path", path]), ")", "-prune", "-o"],
    ...["(", "-not", "-user", user, "-o", "-not", "-group", user, ")", "-print"],
  );

test("a bundle and a cluster under sudo leave files of the user's alone, but for the nodes' trees", async () => {
  await sudo(["bundle", "load", join(home.directory, "slipway.bundle")]);
  await sudo(["start", "-p", profile, "--offline"]);
  await sudo(["kubectl", "-p", profile, "--", "get", "nodes"]);
  await sudo(["config", "set", "memory", "2Gi"]);
  await sudo(["profile", profile]);
  expect(await notTheUsers()).toEqual([]);
});

test("so do builds, whichever program writes: go, apt, mmdebstrap", async () => {
  await sudo(["components", "build", "cni-static", "busybox", "kube-proxy-image"]);
  expect(await find([join(directory, ".cache/slipway")], "-maxdepth", "1", "-name", "[bd]*")).toHaveLength(2);
  expect(await notTheUsers()).toEqual([]);
  const roots = await find([join(directory, ".cache/slipway/debian/trees")], "-name", "root", "-prune");
  expect(await find(roots, "-user", user)).toEqual([]);
});

test("the nodes' trees keep their owners", async () => {
  const roots = await find([join(directory, ".cache/slipway/node-images")], "-name", "rootfs", "-prune");
  expect(roots).toHaveLength(1);
  expect(await find(roots, "-user", user)).toEqual([]);
  expect(await find([join(directory, ".local/state/slipway/machines")], "-user", user)).toEqual([]);
});

test("the user's kubectl works without sudo", async () => {
  const [kubectl] = await find(
    [join(directory, ".cache/slipway/components/files/kubectl")],
    ...["-type", "f", "-name", "kubectl"],
  );
  const { stdout } = await asUser([kubectl!, "get", "nodes", "-o", "name"]);
  expect(stdout).toBe(`node/${profile}`);
});

test("delete under sudo leaves neither the cluster nor anything of root's", async () => {
  await sudo(["delete", "-p", profile]);
  expect(await readFile(join(directory, ".kube/config"), "utf8")).not.toContain(profile);
  expect(await notTheUsers()).toEqual([]);
  // The node's init is dead; the host's takes its time to reap it.
  await expect.poll(hostState, { timeout: 15_000 }).toEqual(before);
});
