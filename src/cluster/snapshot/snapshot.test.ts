import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestContext } from "../../components/test-context.js";
import { nodeAddresses } from "../../plan/addresses.js";
import { snapshotScriptText, snapshotUnits } from "../../plan/snapshot-schedule.js";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import { memberIdentity } from "../etcd-data.js";
import { parseDescription, type SnapshotDescription } from "./description.js";
import { refuseForeign } from "./identity.js";
import { inspectFile } from "./inspect.js";
import { listShelf, type Snapshot, shelve, snapshotsDirectory, sweptShelf } from "./shelf.js";
import { latestSnapshot, namedSnapshot } from "./snapshots.js";

const description = (name: string, changes: Partial<SnapshotDescription> = {}): SnapshotDescription => ({
  version: 1,
  name,
  takenAt: "2026-11-29T22:00:00Z",
  reason: "asked",
  node: "demo",
  cluster: "demo",
  kubernetesVersion: "v1.36.3",
  etcdVersion: "3.6.8",
  sizeBytes: 1056,
  sha256: "a".repeat(64),
  etcd: { hash: 1, revision: 2, totalKey: 3, totalSize: 4 },
  caFingerprint: "b".repeat(64),
  encryptionKeyId: "c".repeat(16),
  ...changes,
});

test("what was cut short is not listed, and goes with the next save", async () => {
  await using context = await TestContext.create();
  const directory = snapshotsDirectory("demo", context);
  await sweptShelf("demo", context);
  const part = join(directory, ".good.db.1.tmp");
  await writeFile(part, "x");
  await shelve(part, join(directory, "good.db"), description("good"), context);
  await writeFile(join(directory, ".half.db.1.tmp"), "x"); // killed while it was copied
  await writeFile(join(directory, "half.db"), "x"); // killed before its description
  await writeFile(join(directory, "torn.json"), '{"version":1,');
  await mkdir(join(directory, ".slipway-1"));

  expect((await listShelf("demo", context)).map(({ name }) => name)).toEqual(["good"]);
  expect(context.seen).toMatchObject([{ type: "warning", message: expect.stringContaining("torn.json") }]);
  await sweptShelf("demo", context);
  expect((await readdir(directory)).sort()).toEqual(["good.db", "good.json", "torn.json"]);
});

test("a description is taken only when all of it can be", () => {
  const good = description("good");
  expect(parseDescription(JSON.stringify(good))).toEqual(good);
  for (const bad of [
    { name: "../../x" },
    { name: "latest" },
    { sha256: "" },
    { sizeBytes: -1 },
    { version: 2 },
  ]) {
    expect(parseDescription(JSON.stringify({ ...good, ...bad })), JSON.stringify(bad)).toBeUndefined();
  }
});

test("a snapshot of another authority or key is refused with why", () => {
  const identity = { caFingerprint: "b".repeat(64), encryptionKeyId: "c".repeat(16) };
  const refuse = (changes: Partial<SnapshotDescription>) => () =>
    refuseForeign(description("s", changes), "demo", identity);
  expect(refuse({ cluster: "renamed" })).not.toThrow();
  expect(refuse({ caFingerprint: "d".repeat(64) })).toThrow("taken under another authority");
  expect(refuse({ encryptionKeyId: "d".repeat(16) })).toThrow("encrypted with another key");
});

test("a file whose end is not the hash of the rest is refused before etcdutl sees it", async () => {
  await using context = await TestContext.create();
  const path = join(context.directory, "s.db");
  const body = randomBytes(1024);
  const whole = Buffer.concat([body, createHash("sha256").update(body).digest()]);
  const inspect = async (contents: Uint8Array, expected?: Partial<SnapshotDescription>) => {
    await writeFile(path, contents);
    return inspectFile(path, "/bin/false", context, expected && description("s", expected));
  };
  await expect(inspect(whole)).rejects.toThrow("etcdutl cannot read it");
  const flipped = Buffer.from(whole);
  flipped[500]! ^= 1;
  await expect(inspect(flipped)).rejects.toThrow("hash that etcd wrote at its end");
  await expect(inspect(whole.subarray(0, 700))).rejects.toThrow("700 bytes cannot be a whole snapshot");
  await expect(inspect(new Uint8Array(0))).rejects.toThrow("0 bytes cannot be a whole snapshot");
  await expect(inspect(whole, { sizeBytes: 9 })).rejects.toThrow("1056 bytes, and was saved with 9");
  await expect(inspect(whole, {})).rejects.toThrow("SHA-256 is not the one");
});

test("latest is the newest on purpose; a mistyped name is met with what was meant", () => {
  const at = (name: string, takenAt: string, reason: SnapshotDescription["reason"] = "asked"): Snapshot => ({
    ...description(name, { takenAt, reason }),
    place: "host",
    path: `/${name}.db`,
  });
  const all = [
    at("a", "2026-11-01T00:00:00Z"),
    at("auto-demo-1", "2026-11-02T00:00:00Z", "schedule"),
    at("before-restore-1", "2026-11-03T00:00:00Z", "before-restore"),
  ];
  expect(latestSnapshot(all, "demo").name).toBe("auto-demo-1");
  expect(() => latestSnapshot(all.slice(2), "demo")).toThrow("has no snapshot");
  expect(() => namedSnapshot("before-restor-1", all, "demo")).toThrow("did you mean before-restore-1?");
});

const spec = (snapshots?: { every: string; keep: number }) =>
  resolveSpec({ metadata: { name: "demo" }, ...(snapshots ? { snapshots } : {}) }, facts);

test("each member restores as itself, all of them as one cluster", () => {
  const [node] = nodeAddresses(spec());
  const members = [node!, { ...node!, name: "demo-m02", address: "10.77.0.3" }];
  expect(memberIdentity(spec(), members[1]!, members, "token")).toEqual([
    "--name=demo-m02",
    `--initial-cluster=demo=https://${node!.address}:2380,demo-m02=https://10.77.0.3:2380`,
    "--initial-cluster-token=token",
    "--initial-advertise-peer-urls=https://10.77.0.3:2380",
  ]);
});

test("the timer is on when the spec says so, and named as off when not", () => {
  const timer = (snapshots?: { every: string; keep: number }) => snapshotUnits(spec(snapshots))[1]!;
  expect(timer()).toMatchObject({ name: "slipway-snapshot.timer", enabled: false });
  expect(timer({ every: "6h", keep: 7 })).toMatchObject({ enabled: true });
  expect(timer({ every: "6h", keep: 7 }).contents).toContain("OnUnitInactiveSec=300s");
  expect(timer({ every: "10s", keep: 7 }).contents).toContain("OnUnitInactiveSec=10s");
  const [node] = nodeAddresses(spec());
  const script = snapshotScriptText(spec({ every: "90m", keep: 3 }), node!);
  expect(script).toContain("-lt 5400 ]");
  expect(script).toContain("head -n -3");
});
