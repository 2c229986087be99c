import { mkdtemp, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { CheckpointDisk } from "../../../src/selfhost/checkpoint/disk.js";
import { staticCopy } from "../../../src/selfhost/checkpoint/static-copy.js";

// A checkpoint that is written to a disk that fills meanwhile, wherever in it that happens.
const workload = { kind: "DaemonSet", namespace: "kube-system", name: "kube-apiserver" } as const;
let directory: string;
let disk: CheckpointDisk;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-checkpoint-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=512k,mode=0700", "slipway-checkpoint-disk", directory]);
  disk = new CheckpointDisk(directory);
  await disk.prepare();
});
afterAll(async () => {
  await run("umount", [directory]);
  await rm(directory, { recursive: true });
});

/** With two volumes, and a manifest that takes some space itself. */
function copyOf(word: string) {
  const secrets = ["one", "two"].map((name) => [
    `Secret/${name}`,
    new Map(["a", "b"].map((key) => [key, Buffer.from(word.repeat(3_000))])),
  ]);
  const result = staticCopy(
    {
      metadata: { name: "x" },
      spec: {
        containers: [{ name: "main", image: word, args: [word.repeat(3_000)] }],
        volumes: ["one", "two"].map((name) => ({ name, secret: { secretName: name } })),
      },
    },
    workload,
    new Map(secrets as [string, Map<string, Buffer>][]),
    { directory, isSelf: false },
  );
  if ("refusals" in result) throw new Error(result.refusals.join());
  return result.copy;
}

const stored = async () => (await disk.load((file) => expect.fail(file))).get("kube-system/kube-apiserver");
const data = (volume: string) =>
  readFile(join(directory, `checkpoint-secrets/kube-system/kube-apiserver/${volume}/b`), "utf8");

test("the last good one stays whole, nothing is left of the other, and with space again it is written", async () => {
  await disk.store(workload, copyOf("old"));
  const before = await stored();
  const fill = join(directory, "fill");
  const available = async () => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };
  const atRest = await available();
  let failures = 0;
  for (let leave = 0; leave < atRest; leave += 4_096) {
    await writeFile(fill, Buffer.alloc(atRest - leave));
    const outcome = await disk.store(workload, copyOf("new")).catch((error: unknown) => error);
    await rm(fill);
    if (outcome === undefined) break;
    failures++;
    expect(outcome).toMatchObject({ code: "DISK_FULL", message: expect.stringContaining(directory) });
    expect(await stored()).toEqual(before);
    expect(await data("one")).toBe("old".repeat(3_000));
    expect(await data("two")).toBe("old".repeat(3_000));
    expect(await available()).toBe(atRest);
  }
  expect(failures).toBeGreaterThan(8);
  expect((await stored())?.manifest.spec.containers[0]?.image).toBe("new");
  expect(await data("two")).toBe("new".repeat(3_000));
});
