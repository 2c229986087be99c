import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { start } from "../../../src/base/run.js";
import { slipwayProgram, TestHome } from "../harness.js";
import { listSnapshots, Subject } from "./app.js";

// slipway is killed (SIGKILL) in the middle of saves and restores.
const profile = "snapkilled";
let home: TestHome;
let subject: Subject;

beforeAll(async () => {
  home = await TestHome.create();
  subject = new Subject(home, profile);
  await home.slipway(["start", "-p", profile, "--image", "agnhost"]);
  await subject.make();
  await home.slipway(["snapshot", "save", "-p", profile, "--name", "good"]);
  await subject.change();
});
afterAll(() => home[Symbol.asyncDispose]());

/** Kills a restore at a journal point; says which entry was the last. */
async function killAt(point: number): Promise<string> {
  const { exitCode, stderr } = await home.slipway(["snapshot", "restore", "-p", profile, "good"], {
    allowFailure: true,
    env: { SLIPWAY_TEST_KILL_AT_POINT: String(point) },
  });
  expect(exitCode, stderr).toBe(-1);
  const journal = await readFile(home.profileFile(profile, "journal.ndjson"), "utf8");
  const last = JSON.parse(journal.trim().split("\n").at(-1)!);
  return `${last.step} ${last.point}`;
}
const bringBack = () => home.slipway(["start", "-p", profile]);
const revision = async (): Promise<number> => {
  const { stdout } = await home.kubectl(profile, ["get", "--raw", "/api/v1/namespaces?limit=1"]);
  return Number(JSON.parse(stdout).metadata.resourceVersion);
};
const isPending = async () => (await readdir(home.profileFile(profile, ""))).includes("restore.json");

// Entries are written at two points each: the operation's begin, then begin and done of each step.
const doneOfStep = (index: number) => 2 + 4 * index;

test("killed before any data were moved: a start brings back what was there", async () => {
  expect(await killAt(doneOfStep(9))).toBe("stop-control-plane done");
  expect(await isPending()).toBe(true);
  await bringBack();
  expect(await isPending()).toBe(false);
  expect(await subject.isLater()).toBe(true);
});

test("killed after: a start goes on with the snapshot", async () => {
  expect(await killAt(doneOfStep(10))).toBe("swap-data done");
  await bringBack();
  expect(await isPending()).toBe(false);
  await subject.expectAsMade();
});

test("killed at every journal point and run again: the restore comes to its end", {
  timeout: 900_000,
}, async () => {
  await subject.change();
  const before = await revision();
  expect(await home.killAtEveryPoint(["snapshot", "restore", "-p", profile])).toBeGreaterThanOrEqual(60);
  expect(await isPending()).toBe(false);
  await subject.expectAsMade();
  // It is the same snapshot again: who watched from a revision of before must not wait for it in silence.
  expect(await revision()).toBeGreaterThan(before);
  const left = await home.slipway(["ssh", "-p", profile, "--", "ls -A /var/lib/etcd"]);
  expect(left.stdout).toBe("member");
});

test("a save that is killed anywhere leaves no half snapshot", async () => {
  const save = (name: string) => ["snapshot", "save", "-p", profile, "--name", name];
  const began = performance.now();
  await home.slipway(save("whole"));
  const tookMs = performance.now() - began;
  const moments = 16;
  let killed = 0;
  for (let i = 1; i <= moments; i++) {
    const child = start(process.execPath, [slipwayProgram, ...save(`moment-${i}`)], { env: home.env });
    const timer = setTimeout(() => child.kill("SIGKILL"), (tookMs * i) / moments);
    if ((await child).signal === "SIGKILL") killed++;
    clearTimeout(timer);
    // Whatever is shown is whole.
    for (const { path, sha256 } of await listSnapshots(home, profile)) {
      expect(
        createHash("sha256")
          .update(await readFile(path))
          .digest("hex"),
        path,
      ).toBe(sha256);
    }
  }
  expect(killed).toBeGreaterThan(moments / 2);
  // The next save clears away what the killed ones left.
  await home.slipway(save("after"));
  const files = await readdir(home.profileFile(profile, "snapshots"));
  const listed = (await listSnapshots(home, profile)).flatMap(({ name }) => [`${name}.db`, `${name}.json`]);
  expect(files.sort()).toEqual(listed.sort());
});
