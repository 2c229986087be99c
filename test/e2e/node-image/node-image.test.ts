import { mkdtemp, readdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventBody } from "../../../src/base/events.js";
import { run } from "../../../src/base/run.js";
import { exampleNetwork, exampleSpec } from "../../../src/machines/driver.contract.js";
import { createSandboxDriver } from "../../../src/machines/sandbox/driver.js";
import { ensureNodeImage, type NodeImage } from "../../../src/node-image/build.js";
import { nodeImageRecipe } from "../../../src/node-image/recipe.js";
import { context, treeHash } from "./subject.js";

let image: NodeImage;
let scratch: string;
beforeAll(async () => {
  image = await ensureNodeImage(context);
  scratch = await mkdtemp("/var/lib/slipway-test-");
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the node image", () => {
  test("has what it should, and nothing that tells of the host it was built on", async () => {
    for (const name of nodeImageRecipe.packages) expect(Object.keys(image.packages)).toContain(name);
    expect(await readFile(join(image.path, "etc/machine-id"), "utf8")).toBe("");
    expect(await readlink(join(image.path, "etc/systemd/system/getty.target"))).toBe("/dev/null");
    const missing = ["etc/apt", "etc/hostname", "etc/resolv.conf", "var/lib/apt"];
    const { stdout } = await run("ls", missing, { cwd: image.path, allowFailure: true });
    expect(stdout).toBe("");
    expect(await readdir(join(image.path, "dev"))).toEqual([]);
    const privileged = await run("find", [image.path, "-newermt", "2026-01-01 00:00:01"]);
    expect(privileged.stdout).toBe("");
  });

  test("built again elsewhere it is the same tree, and a second process waits and makes nothing", async () => {
    // The same package files, for a mirror may get newer ones at any time.
    await symlink(join(context.paths.cache, "debian"), join(scratch, "debian"));
    const events: EventBody[] = [];
    const other = {
      ...context,
      paths: { ...context.paths, cache: scratch },
      events: (event: EventBody) => events.push(event),
    };
    const [one, two] = await Promise.all([ensureNodeImage(other), ensureNodeImage(other)]);
    expect(two).toEqual(one);
    expect(events.filter((e) => e.type === "progress" && e.state === "ok")).toHaveLength(1);
    expect(one.id).toBe(image.id);
    expect(one.packages).toEqual(image.packages);
    expect(await treeHash(one.path)).toBe(await treeHash(image.path));
  });

  test("boots to multi-user with nothing failed, in half a second of CPU and less", async () => {
    const driver = createSandboxDriver({ stateDirectory: join(scratch, "state") });
    const cluster = "nodeimage";
    const network = exampleNetwork(cluster, 221);
    await driver.ensureNetwork(network);
    try {
      const spec = exampleSpec(cluster, "one", [image.path], { address: "10.79.221.11" });
      await driver.create(spec);
      await driver.start(cluster, "one");
      const booted = "until systemctl is-system-running --wait; do sleep 0.05; done 2>/dev/null";
      const sh = (script: string) =>
        driver.exec(cluster, "one", ["sh", "-c", script], { allowFailure: true });
      expect((await sh(booted)).stdout).toContain("running");
      expect((await sh("systemctl --failed --no-legend --plain")).stdout).toBe("");
      // Hundredths of a second of init and of what it waited for (proc(5), /proc/pid/stat): wall time is the host's load.
      const { stdout } = await sh("cut -d' ' -f14-17 /proc/1/stat; getconf CLK_TCK");
      const [ticks = "", perSecond = ""] = stdout.split("\n");
      const cpuSeconds = ticks.split(" ").reduce((sum, n) => sum + Number(n), 0) / Number(perSecond);
      expect(cpuSeconds).toBeLessThan(0.5);
      expect((await sh("cat /etc/machine-id")).stdout).toMatch(/^[0-9a-f]{32}$/);
    } finally {
      await driver.delete(cluster, "one");
      await driver.deleteNetwork(cluster);
    }
  });
});
