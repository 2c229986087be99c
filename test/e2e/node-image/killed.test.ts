import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, start } from "../../../src/base/run.js";
import { ensureNodeImage } from "../../../src/node-image/build.js";
import { ensureNodeLayer } from "../../../src/node-image/layer.js";
import { bundle } from "../bundle.js";
import { components, context, treeHash } from "./subject.js";

let scratch: string;
let maker: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(context.paths.cache, "test-"));
  maker = await bundle(join(import.meta.dirname, "maker.ts"), scratch);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Processes with the path on their command line or among their mounts. */
async function usersOf(path: string): Promise<string[]> {
  const users: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
    if (`${await read("cmdline")}${await read("mountinfo")}`.includes(path)) users.push(pid);
  }
  return users;
}

/** Runs the maker and kills it after so long. */
async function killAfter(ms: number, args: string[]): Promise<void> {
  const process_ = start(process.execPath, [maker, ...args]);
  await sleep(ms);
  process_.kill("SIGKILL");
  await process_;
  await sleep(300); // the kernel ends the namespace's processes one by one
}

describe("a making that is killed", () => {
  test.each([600, 1500, 3000])(
    "leaves no process and no mount, and is done by the next run: Debian packages, after %d ms",
    async (ms) => {
      const cache = join(scratch, `debian-${ms}`);
      await killAfter(ms, [cache, "debian-tree"]);
      expect(await usersOf(cache)).toEqual([]);
      const { stdout: path } = await run(process.execPath, [maker, cache, "debian-tree"]);
      expect((await stat(join(path, "bin/busybox"))).size).toBeGreaterThan(1_000_000);
    },
  );

  test("leaves no container, and is done by the next run: an image set", async () => {
    const image = await ensureNodeImage(context);
    const binaries = await components("containerd", "containerd-shim-runc-v2", "ctr", "runc");
    const layer = await ensureNodeLayer(binaries, context);
    const images = await components("pause-image", "busybox-image");
    const before = await treeHash(image.path);
    const cache = join(scratch, "set");
    const args = [cache, "image-set", image.path, layer, JSON.stringify(images)];
    for (const ms of [300, 600, 900, 1200]) {
      await killAfter(ms, args);
      expect(await usersOf(cache)).toEqual([]);
    }
    const { stdout: path } = await run(process.execPath, [maker, ...args]);
    expect((await stat(join(path, "io.containerd.metadata.v1.bolt/meta.db"))).size).toBeGreaterThan(0);
    const { stdout: cgroups } = await run("find", ["/sys/fs/cgroup", "-path", "*/slipway/import-*"]);
    expect(cgroups).toBe("");
    expect(await treeHash(image.path)).toBe(before);
  });
});
