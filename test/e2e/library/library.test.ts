import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCluster } from "../../../src/index.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-e2e-"));
  process.env.XDG_STATE_HOME = directory;
});
afterAll(async () => {
  delete process.env.XDG_STATE_HOME;
  await rm(directory, { recursive: true, force: true });
});

test("a test gets a cluster of two nodes, and it goes when the test ends", async () => {
  let name: string;
  {
    await using cluster = await createCluster({ nodes: 2 });
    name = cluster.name;
    const { stdout } = await cluster.kubectl(["get", "nodes", "-o", "name"]);
    expect(stdout.split("\n")).toEqual([`node/${name}`, `node/${name}-m02`]);
  }
  await expect(
    createCluster({ name, driver: "sandbox", signal: AbortSignal.abort(new Error("no")) }),
  ).rejects.toThrow("no");
});
