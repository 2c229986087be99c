import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import { TestContext } from "../components/test-context.js";
import { createAuthority } from "../pki/authority.js";
import { checkClock, clockProblem, earliestRightTime, spanText } from "./clock-check.js";
import { profilePaths } from "./profile.js";

const life = { notBefore: new Date("2026-11-21T11:55:00Z"), notAfter: new Date("2036-11-21T12:00:00Z") };
const at = (time: string, ...of: [typeof life] | []) => clockProblem(new Date(time), "demo", ...of);

test("nothing is wrong while the authorities are valid, or when there is none", () => {
  expect(at("2026-11-21T11:55:00Z", life)).toBeUndefined();
  expect(at("2036-11-21T12:00:00Z", life)).toBeUndefined();
  expect(at("2025-08-27T00:00:00Z")).toBeUndefined();
  expect(at("2061-01-01T00:00:00Z")).toBeUndefined();
});

test("a clock before slipway was made is wrong for certain, also for a new cluster", () => {
  for (const problem of [at("1970-01-01T00:00:07Z"), at("1970-01-01T00:00:07Z", life)]) {
    expect(problem).toMatchObject({ code: "CLOCK_WRONG", exitCode: 38 });
    expect(problem?.details.clock).toBe("1970-01-01 00:00:07 UTC");
    expect(problem?.hint).toContain("timedatectl set-ntp true");
  }
  expect(at(new Date(earliestRightTime.getTime() - 1).toISOString())?.code).toBe("CLOCK_WRONG");
});

test("a clock behind the authorities: both ways that can be, and a way out of each", () => {
  const problem = at("2026-11-19T11:55:00Z", life);
  expect(problem?.code).toBe("CLOCK_WRONG");
  expect(problem?.message).toBe(`this machine's clock is 2 days behind the certificates of "demo"`);
  expect(problem?.details.clock).toBe("2026-11-19 11:55:00 UTC");
  expect(problem?.details.certificates).toContain("begin 2026-11-21 11:55:00 UTC");
  expect(problem?.details["if it is wrong"]).toContain("date --utc --set");
  expect(problem?.details["if it is right"]).toContain("slipway delete -p demo, then slipway start -p demo");
});

test("authorities that have expired are the end of a cluster, if the clock is right", () => {
  const problem = at("2036-11-21T12:00:01Z", life);
  expect(problem).toMatchObject({ code: "CERTIFICATE_INVALID" });
  expect(problem?.details.authorities).toBe("ended 2036-11-21 12:00:00 UTC");
});

test("the authorities on disk are looked at, the latest of them", async () => {
  await using context = await TestContext.create();
  await checkClock("demo", context);
  const { pki } = profilePaths("demo", context);
  await mkdir(join(pki, "etcd"), { recursive: true });
  const made = new Date("2026-11-21T12:00:00Z");
  const later = new Date("2026-12-21T12:00:00Z");
  await writeFile(join(pki, "ca.crt"), createAuthority("a", { now: made, years: 10 }).certificatePem);
  await writeFile(join(pki, "etcd/ca.crt"), createAuthority("b", { now: later, years: 10 }).certificatePem);
  const with_ = (now: Date) => ({ ...context, clock: { ...systemClock, now: () => now } });
  await checkClock("demo", with_(later));
  await expect(checkClock("demo", with_(made))).rejects.toMatchObject({ code: "CLOCK_WRONG" });
  await writeFile(join(pki, "ca.crt"), "torn");
  await expect(checkClock("demo", with_(later))).rejects.toMatchObject({ code: "CERTIFICATE_INVALID" });
});

test.each([
  [20_000, "1 min"],
  [119 * 60_000, "119 min"],
  [5.2 * 3_600_000, "5 h"],
  [2 * 86_400_000, "2 days"],
  [400 * 86_400_000, "400 days"],
  [20_777 * 86_400_000, "56 years"],
])("%i ms are %s", (ms, text) => {
  expect(spanText(ms)).toBe(text);
});
