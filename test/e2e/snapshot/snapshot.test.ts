import { copyFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { start } from "../../../src/base/run.js";
import { createSandboxDriver } from "../../../src/machines/sandbox/driver.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";
import { listSnapshots, Subject } from "./app.js";

// A cluster's life with snapshots: each test goes on where the last one ended.
const profile = "snapped";
let home: TestHome;
let subject: Subject;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
  subject = new Subject(home, profile);
  await home.slipway(["start", "-p", profile, "--image", "agnhost"]);
  await subject.make();
});
afterAll(() => home[Symbol.asyncDispose]());

const names = async () => (await listSnapshots(home, profile)).map(({ name }) => name);
const file = (name: string) => home.profileFile(profile, `snapshots/${name}`);

test("save keeps a snapshot that only its owner reads, and list shows it", async () => {
  await home.slipway(["snapshot", "save", "-p", profile, "--name", "good"]);
  const [good] = await listSnapshots(home, profile);
  expect(good).toMatchObject({ name: "good", reason: "asked", place: "host", path: file("good.db") });
  expect(good!.etcd.totalKey).toBeGreaterThan(100);
  for (const name of ["good.db", "good.json"]) expect((await stat(file(name))).mode & 0o777).toBe(0o600);
  // No secret is in the description, nor in the clear in the snapshot.
  const key = (await readFile(home.profileFile(profile, "pki/encryption.key"), "utf8")).trim();
  expect(await readFile(file("good.json"), "utf8")).not.toContain(key);
  const contents = await readFile(file("good.db"));
  expect(contents.includes("open sesame")).toBe(false);
  expect(contents.includes("/registry/secrets/default/kept")).toBe(true);
});

test("names that are taken or cannot be are refused", async () => {
  for (const name of ["good", "latest", "../x", "Up"]) {
    const result = await home.slipway(["snapshot", "save", "-p", profile, "--name", name], {
      allowFailure: true,
    });
    expect(result.exitCode, name).toBe(14);
  }
  expect(await names()).toEqual(["good"]);
});

test("a damaged snapshot, and one of another cluster, are refused, and the cluster is untouched", async () => {
  await home.slipway(["snapshot", "save", "-p", profile, join(home.directory, "mine.db")]);
  await subject.change();
  const uid = async () =>
    (await home.kubectl(profile, ["get", "configmap", "later", "-o", "jsonpath={.metadata.uid}"])).stdout;
  const wanted = await uid();
  const refused = async (path: string, why: RegExp, ...flags: string[]) => {
    const result = await home.slipway(["snapshot", "restore", "-p", profile, path, ...flags], {
      allowFailure: true,
    });
    expect(result.exitCode, result.stderr).toBe(108);
    expect(result.stderr).toMatch(why);
  };
  const mine = join(home.directory, "mine");
  const copy = async (name: string) => {
    const to = join(home.directory, name);
    await copyFile(`${mine}.db`, `${to}.db`);
    await copyFile(`${mine}.json`, `${to}.json`);
    return to;
  };

  const flipped = await copy("flipped");
  const contents = await readFile(`${flipped}.db`);
  contents[Math.floor(contents.length / 2)]! ^= 1;
  await writeFile(`${flipped}.db`, contents);
  await refused(`${flipped}.db`, /SHA-256 is not the one/);
  // Without a description etcd's own hash tells.
  await writeFile(join(home.directory, "bare.db"), contents);
  await refused(join(home.directory, "bare.db"), /no description beside it/);
  await refused(join(home.directory, "bare.db"), /hash that etcd wrote at its end/, "--force");

  const short = await copy("short");
  await truncate(`${short}.db`, contents.length - 4096);
  await refused(`${short}.db`, /bytes, and was saved with/);

  const foreign = await copy("foreign");
  const description = JSON.parse(await readFile(`${foreign}.json`, "utf8"));
  await writeFile(`${foreign}.json`, JSON.stringify({ ...description, encryptionKeyId: "0123456789abcdef" }));
  await refused(`${foreign}.db`, /Secrets are encrypted with another key/, "--force");
  await writeFile(`${foreign}.json`, JSON.stringify({ ...description, caFingerprint: "0".repeat(64) }));
  await refused(`${foreign}.db`, /another authority/);

  expect(await uid()).toBe(wanted);
  expect(await names()).toEqual(["good"]);
});

test("restore: what was deleted is back and works, what was added is gone, and was saved before", async () => {
  await home.slipway(["snapshot", "restore", "-p", profile, "good"]);
  await subject.expectAsMade();
  const [, saved] = await listSnapshots(home, profile);
  expect(saved).toMatchObject({ reason: "before-restore", place: "host" });

  // And there again: what was saved has what was added.
  await home.slipway(["snapshot", "restore", "-p", profile, saved!.name]);
  expect(await subject.isLater()).toBe(true);
  // latest is never what a restore saved.
  const { stdout } = await home.slipway(["snapshot", "restore", "-p", profile, "-o", "json"]);
  expect(JSON.parse(stdout.trim().split("\n").at(-1)!).data).toMatchObject({ label: "good" });
  await subject.expectAsMade();
});

test("a restore that is interrupted puts back what was there", async () => {
  await subject.addLater();
  const journal = home.profileFile(profile, "journal.ndjson");
  const command = [slipwayProgram, "snapshot", "restore", "-p", profile, "good"];
  const restore = start(process.execPath, command, { env: home.env });
  const lines = async () => (await readFile(journal, "utf8")).trim().split("\n");
  const reached = async (operation: string, step: string, point: string) =>
    (await lines()).findLastIndex((line) => {
      const entry = JSON.parse(line);
      return entry.operation === operation && entry.step === step && entry.point === point;
    });
  const earlier = await reached("snapshot-restore", "swap-data", "done");
  await expect
    .poll(() => reached("snapshot-restore", "swap-data", "done"), { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(earlier);
  restore.kill("SIGINT");
  expect((await restore).exitCode).toBe(130);
  expect(await reached("snapshot-restore-undo", "-", "done")).toBeGreaterThan(earlier);
  await home.eventually(profile, ["get", "configmap", "later"]);
  expect(await readdir(home.profileFile(profile, ""))).not.toContain("restore.json");
});

test("restore of a file, into a machine that was destroyed and is made anew", async () => {
  const driver = createSandboxDriver({
    stateDirectory: join(home.env.XDG_STATE_HOME!, "slipway/machines"),
    seedVolume: async () => {},
  });
  await driver.delete(profile, profile);
  await home.slipway(["snapshot", "restore", "-p", profile, join(home.directory, "mine.db")]);
  await subject.expectAsMade();
});

test("a schedule saves by itself, keeps so many, and stays through stop and start", async () => {
  const schedule = ["snapshot", "schedule", "-p", profile];
  const scheduled = async () =>
    (await listSnapshots(home, profile)).filter(({ reason }) => reason === "schedule");
  expect((await home.slipway(schedule)).stdout).toBe("off");
  expect((await home.slipway([...schedule, "--every", "1s"], { allowFailure: true })).exitCode).toBe(18);
  await home.slipway([...schedule, "--every", "10s", "--keep", "2"]);
  expect(JSON.parse((await home.slipway([...schedule, "-o", "json"])).stdout)).toEqual({
    every: "10s",
    keep: 2,
  });
  await expect.poll(scheduled, { timeout: 90_000, interval: 2000 }).toHaveLength(2);

  await subject.addLater();
  await home.slipway(["stop", "-p", profile]);
  await home.slipway(["start", "-p", profile]);
  const last = (await scheduled()).at(-1)!;
  expect(last.place).toBe(profile);
  await expect
    .poll(async () => (await scheduled()).map(({ name }) => name), { timeout: 90_000, interval: 2000 })
    .not.toContain(last.name);
  expect(await scheduled()).toHaveLength(2);

  await home.slipway([...schedule, "--off"]);
  expect((await home.slipway(schedule)).stdout).toBe("off");
  const state = ["systemctl", "is-active", "slipway-snapshot.timer"];
  expect((await home.slipway(["ssh", "-p", profile, "--", ...state], { allowFailure: true })).stdout).toBe(
    "inactive",
  );
  await home.kubectl(profile, ["delete", "configmap", "later"]);
  const [, wanted] = await scheduled();
  await home.slipway(["snapshot", "restore", "-p", profile, wanted!.name]);
  expect(await subject.isLater()).toBe(true);
  expect((await listSnapshots(home, profile)).find(({ name }) => name === wanted!.name)?.place).toBe("host");
});

test("delete removes snapshots wherever they are, none when one is unknown", async () => {
  const all = await names();
  const unknown = ["snapshot", "delete", "-p", profile, ...all, "goof"];
  const result = await home.slipway(unknown, { allowFailure: true });
  expect(result.exitCode).toBe(105);
  expect(result.stderr).toContain("did you mean good?");
  expect(await names()).toEqual(all);
  await home.slipway(["snapshot", "delete", "-p", profile, ...all]);
  // One that was fetched was on its node too.
  await home.slipway(["snapshot", "delete", "-p", profile, ...(await names())], { allowFailure: true });
  expect(await names()).toEqual([]);
  expect(await readdir(home.profileFile(profile, "snapshots"))).toEqual([]);
});

test("delete of the cluster leaves nothing", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
