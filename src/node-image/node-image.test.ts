import { chmod, lstat, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import type { Context } from "../base/context.js";
import { isSlipwayError } from "../base/errors.js";
import { discardEvents } from "../base/events.js";
import { run } from "../base/run.js";
import type { StoredComponent } from "../components/component.js";
import { debianSourceFiles } from "../components/oci/debian.js";
import { makeOnce } from "../components/oci/make-once.js";
import { recipeId } from "./build.js";
import { cloneTree } from "./clone-tree.js";
import { ensureNodeLayer, layerContents } from "./layer.js";
import { nodeImageRecipe } from "./recipe.js";

let directory: string;
let context: Context;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-node-"));
  context = {
    paths: { config: directory, state: directory, cache: directory },
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function binary(name: string, sha256: string, mode = 0o755): Promise<StoredComponent> {
  const path = join(directory, name);
  await writeFile(path, name);
  await chmod(path, mode);
  const provenance = { source: "upstream", origin: "a test" } as const;
  return { name, version: "v1", kind: "binary", path, sha256, sizeBytes: name.length, provenance };
}

describe("ensureNodeLayer", () => {
  test("puts binaries where a node has them, and is made once for a set in any order", async () => {
    const parts = [await binary("kubelet", "1"), await binary("cni-bridge", "2", 0o644)];
    const layer = await ensureNodeLayer(parts, context);
    expect(await ensureNodeLayer(parts.toReversed(), context)).toBe(layer);
    expect(await readFile(join(layer, "usr/local/bin/kubelet"), "utf8")).toBe("kubelet");
    // What the store has without an execute bit becomes a copy with one; the store's file stays as it is.
    expect((await stat(join(layer, "opt/cni/bin/bridge"))).mode & 0o777).toBe(0o755);
    expect((await stat(join(directory, "cni-bridge"))).mode & 0o777).toBe(0o644);
    expect(await layerContents(layer)).toEqual({ "/opt/cni/bin/bridge": "2", "/usr/local/bin/kubelet": "1" });
    expect(await ensureNodeLayer([parts[0]!], context)).not.toBe(layer);
  });

  test("takes nothing but binaries", async () => {
    const image: StoredComponent = { ...(await binary("pause-image", "1")), kind: "image" };
    await expect(ensureNodeLayer([image], context)).rejects.toSatisfy((e) => isSlipwayError(e, "INTERNAL"));
  });
});

describe("makeOnce", () => {
  const path = () => join(directory, "made");

  test("two at once make it once", async () => {
    let made = 0;
    const make = async (partial: string) => {
      made += 1;
      await writeFile(join(partial, "file"), "done");
      return { made };
    };
    const results = await Promise.all([1, 2, 3].map(() => makeOnce(path(), "a test", context, make)));
    expect(results).toEqual([{ made: 1 }, { made: 1 }, { made: 1 }]);
  });

  test("what a failed or killed run left is made again", async () => {
    const fail = async (partial: string) => {
      await writeFile(join(partial, "half"), "");
      throw new Error("killed");
    };
    await expect(makeOnce(path(), "a test", context, fail)).rejects.toThrow("killed");
    await makeOnce(path(), "a test", context, async (partial) => {
      await writeFile(join(partial, "whole"), "");
      return {};
    });
    const { stdout } = await run("ls", [path()]);
    expect(stdout.split("\n")).toEqual(["complete.json", "whole"]);
  });
});

test("cloneTree shares files, but not databases, and keeps modes and links", async () => {
  const from = join(directory, "from");
  await run("sh", ["-ec", `mkdir -p ${from}/meta ${from}/blobs/x && cd ${from} && echo d > meta/meta.db`]);
  await run(
    "sh",
    ["-ec", "echo b > blobs/x/b && ln -s b blobs/x/l && chmod 700 blobs && chmod 600 blobs/x/b"],
    {
      cwd: from,
    },
  );
  const to = join(directory, "to");
  await cloneTree(from, to, context);
  await writeFile(join(to, "meta/meta.db"), "mine");
  expect(await readFile(join(from, "meta/meta.db"), "utf8")).toBe("d\n");
  const ino = async (root: string, path: string) => (await lstat(join(root, path))).ino;
  expect(await ino(to, "blobs/x/b")).toBe(await ino(from, "blobs/x/b"));
  expect((await lstat(join(to, "blobs"))).mode & 0o777).toBe(0o700);
  expect((await lstat(join(to, "blobs/x/l"))).isSymbolicLink()).toBe(true);
});

test("a recipe's id follows from all that it says", () => {
  const more = { ...nodeImageRecipe, packages: [...nodeImageRecipe.packages, "nano"] };
  expect(recipeId(more)).not.toBe(recipeId(nodeImageRecipe));
  expect(recipeId({ ...nodeImageRecipe })).toBe(recipeId(nodeImageRecipe));
});

test("only sources that offer this Debian are used", () => {
  const targets = [
    "/etc/apt/sources.list.d/debian.sources:1|bookworm|main|Debian",
    "/etc/apt/sources.list.d/debian.sources:2|bookworm-security|main|Debian",
    "/etc/apt/sources.list:4|bookworm|main|$(ORIGIN)",
    "/etc/apt/sources.list.d/other.list:1|bookworm|main|Somebody",
    "/etc/apt/sources.list.d/docker.list:1|bookworm|stable|Docker",
    "/etc/apt/sources.list.d/newer.sources:1|trixie|main|Debian",
  ];
  expect(debianSourceFiles(targets.join("\n"))).toEqual([
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/debian.sources",
  ]);
});
