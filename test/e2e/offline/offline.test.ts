import { mkdir, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunOptions, run } from "../../../src/base/run.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";

// A bundle from here starts a cluster there: "there" is a network namespace without a route, and an empty cache.
const profile = "offline";
const netns = "slipway-test-offline";
let home: TestHome;
let bundle: string;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  home = await TestHome.create();
  bundle = join(home.directory, "slipway.bundle");
  await run("ip", ["netns", "add", netns]);
  await run("ip", ["-n", netns, "link", "set", "lo", "up"]);
  before = await hostState();
  await home.slipway(["bundle", "create", bundle]);
});
afterAll(async () => {
  if (home) {
    await there(["delete", "-p", profile], { allowFailure: true });
    await home[Symbol.asyncDispose]();
  }
  await run("ip", ["netns", "delete", netns], { allowFailure: true });
});

/** Runs the command line in the namespace. (`ip netns exec` would take its mounts away with it.) */
const there = (args: string[], options: RunOptions = {}, cache = "cache") =>
  run("nsenter", [`--net=/run/netns/${netns}`, process.execPath, slipwayProgram, ...args], {
    timeoutMs: 300_000,
    ...options,
    env: { ...home.env, XDG_CACHE_HOME: join(home.directory, cache) },
  });
const kubectl = (...args: string[]) => there(["kubectl", "-p", profile, "--", ...args]);

async function lastEvent(args: string[], cache: string) {
  const { stdout, exitCode } = await there([...args, "-o", "json"], { allowFailure: true }, cache);
  return { exitCode, event: JSON.parse(stdout.trim().split("\n").at(-1)!) };
}

/** What an empty cache has got: components by name, node images. */
async function accepted(cache: string): Promise<string[]> {
  const list = (path: string) => readdir(join(home.directory, cache, "slipway", path)).catch(() => []);
  return [...(await list("components/files")), ...(await list("node-images"))].filter(
    (name) => !name.endsWith(".lock"),
  );
}

async function expectRefused(cache: string): Promise<void> {
  await mkdir(join(home.directory, cache));
  const { exitCode, event } = await lastEvent(["bundle", "load", bundle], cache);
  expect(event).toMatchObject({ type: "dev.slipway.error", data: { code: "BUNDLE_INVALID" } });
  expect(exitCode).toBe(48);
  expect(await accepted(cache)).toEqual([]);
  expect(await readdir(join(home.directory, cache, "slipway/components/incoming"))).toEqual([]);
}

async function flipBit(position: number): Promise<void> {
  const file = await open(bundle, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, position);
    byte[0] = byte[0]! ^ 0x10;
    await file.write(byte, 0, 1, position);
  } finally {
    await file.close();
  }
}

test("there is no way out", async () => {
  const inside = (...args: string[]) => run("ip", ["-n", netns, ...args]);
  expect((await inside("route", "show", "table", "all", "type", "unicast")).stdout).toBe("");
  expect((await inside("-o", "link")).stdout.split("\n")).toHaveLength(1);
});

test("without the bundle, all that is missing is told, the node image too", async () => {
  const { exitCode, event } = await lastEvent(["start", "-p", profile, "--offline"], "cache");
  expect(event.data.code).toBe("OFFLINE_MISSING");
  expect(exitCode).toBe(45);
  for (const name of ["kubelet v1.36.3", "coredns-image", "node-image"]) {
    expect(event.data.details.missing).toContain(name);
  }
});

test("a bundle with one bit flipped is refused whole", async () => {
  const position = Math.floor((await stat(bundle)).size * 0.6);
  await flipBit(position);
  await expectRefused("flipped");
  await flipBit(position);
});

test("loaded, it starts a cluster whose node is Ready and whose DNS runs", async () => {
  await there(["bundle", "load", bundle]);
  expect(await accepted("cache")).toContain("kubelet");
  await there(["start", "-p", profile, "--offline"]);
  await kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=10s");
  await kubectl("wait", "--for=condition=Ready", "pod", "-n=kube-system", "--all", "--timeout=60s");
  const { stdout } = await kubectl(
    "get",
    "pods",
    "-n",
    "kube-system",
    "-l",
    "k8s-app=kube-dns",
    "-o",
    "name",
  );
  expect(stdout).toMatch(/^pod\/coredns-/);
});

test("delete leaves nothing, here or there", async () => {
  await there(["delete", "-p", profile]);
  const links = await run("ip", ["-n", netns, "-o", "link"]);
  expect(links.stdout.split("\n")).toHaveLength(1);
  const tables = await run("nsenter", [`--net=/run/netns/${netns}`, "nft", "list", "tables"]);
  expect(tables.stdout).toBe("");
  // The node's init is dead; the host's takes its time to reap it.
  await expect.poll(hostState, { timeout: 15_000 }).toEqual(before);
});

test("a bundle that was cut short is refused whole", async () => {
  await rm(join(home.directory, "cache"), { recursive: true });
  await truncate(bundle, Math.floor((await stat(bundle)).size * 0.9));
  await expectRefused("cut");
});
