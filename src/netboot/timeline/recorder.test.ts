import { appendFile, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Recorder, readTimeline, type Witnessed } from "./recorder.js";
import { redacted, withoutTokens } from "./redact.js";
import { address, at, dhcp, mac, wholeBoot } from "./testing.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-timeline-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("what was observed is on the disk and with those who listen; restarts add to it", async () => {
  const recorder = await Recorder.open(directory);
  const heard: Witnessed[] = [];
  const stop = recorder.listen((observation) => heard.push(observation));
  for (const observation of wholeBoot) recorder.observe(observation);
  stop();
  recorder.observe(wholeBoot[0]!);
  await recorder.close();
  expect(await readTimeline(directory)).toEqual([...wholeBoot, wholeBoot[0]]);
  expect(heard).toHaveLength(wholeBoot.length);
  expect(heard.every(({ machine }) => machine === mac)).toBe(true);

  const [file] = await readdir(join(directory, "timeline"));
  const path = join(directory, "timeline", file!);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await appendFile(path, '{"time":"2026-01-01T00:00:00Z","stage":"dh');
  const again = await Recorder.open(directory);
  again.observe(wholeBoot[1]!);
  await again.close();
  expect(await readTimeline(directory)).toEqual([...wholeBoot, wholeBoot[0], wholeBoot[1]]);
});

test("tokens are written nowhere", async () => {
  await using recorder = await Recorder.open(directory);
  const heard: Witnessed[] = [];
  recorder.listen((observation) => heard.push(observation));
  const token = "s3cr3tT0ken_-x";
  const details = {
    query: `uuid=1&token=${token}&mac=x`,
    token,
    error: `GET /ignition?token=${token} failed`,
  };
  recorder.observe(at(1, { stage: "ignition", what: `GET /ignition?token=${token}`, mac, address, details }));
  await recorder.flush();
  const [file] = await readdir(join(directory, "timeline"));
  const written = await readFile(join(directory, "timeline", file!), "utf8");
  expect(written).toContain("uuid=1&token=…&mac=x");
  for (const text of [written, JSON.stringify(heard)]) {
    expect(text).not.toContain(token);
  }
});

test("redaction leaves what has no token as it is", () => {
  expect(redacted(wholeBoot[0]!)).toBe(wholeBoot[0]);
  expect(withoutTokens("a token is a token")).toBe("a token is a token");
});

test("files are bounded in size and number", async () => {
  const recorder = await Recorder.open(directory, { maxFileBytes: 2000, maxFiles: 3 });
  for (let i = 0; i < 100; i++) {
    recorder.observe(dhcp(i, "DISCOVER → OFFER", "bios"));
    await recorder.flush();
  }
  await recorder.close();
  expect((await readdir(join(directory, "timeline"))).length).toBeLessThanOrEqual(3);
  const left = await readTimeline(directory);
  expect(left.at(-1)).toEqual(dhcp(99, "DISCOVER → OFFER", "bios"));
  expect(left.length).toBeGreaterThan(10);
});

test("a listener that throws harms nobody", async () => {
  await using recorder = await Recorder.open(directory);
  const heard: Witnessed[] = [];
  recorder.listen(() => {
    throw new Error("no");
  });
  recorder.listen((observation) => heard.push(observation));
  recorder.observe(wholeBoot[0]!);
  expect(heard).toHaveLength(1);
});
