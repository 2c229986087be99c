import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BootProfile, Group } from "../inventory/types.js";
import { type ApprovePolicy, installsOnce, type MachineView, nextBoot } from "./next-boot.js";
import { maxInstallAttempts, step } from "./step.js";
import { type LifeEvent, type MachineLife, reportStages } from "./types.js";

const mac = "52:54:00:00:00:01";
const start = Date.parse("2026-01-01T00:00:00Z");
const place = { file: "lab.yaml" };
const profile: BootProfile = { id: "worker", boot: { initrd: [], args: [] }, place, install: "once" };
const group: Group = { id: "node1", profile: "worker", selector: { mac }, metadata: {}, place };
const view: MachineView = { described: true, group, profile };

/** The life after these events, a minute apart; throws when one is refused. */
function lived(...events: LifeEvent[]): MachineLife {
  let life: MachineLife | undefined;
  for (const [minute, event] of events.entries()) {
    const result = step(life, mac, event, start + minute * 60_000);
    if ("refused" in result) throw new Error(result.refused);
    life = result.life;
  }
  return life!;
}

const seen = { type: "seen", address: "10.0.0.5" } as const;
const approve = { type: "approve", by: "person" } as const;
const boot = { type: "boot", profile: "worker", installOnce: true, windowMs: 600_000 } as const;
const report = (stage: (typeof reportStages)[number]) => ({ type: "report", stage }) as const;

describe("a machine's life", () => {
  test("goes from discovered to ready, and tells when and why", () => {
    expect(lived(seen)).toMatchObject({ state: "discovered", address: "10.0.0.5" });
    expect(lived(seen, approve)).toMatchObject({ state: "approved", approvedBy: "person" });
    expect(lived(seen, approve, boot)).toMatchObject({ state: "provisioning", boot: { attempts: 1 } });
    expect(lived(seen, approve, boot, report("ignition-applied"))).toMatchObject({ state: "provisioning" });
    expect(lived(seen, approve, boot, report("installed"))).toMatchObject({
      state: "ready",
      since: "2026-01-01T00:03:00.000Z",
      installed: { profile: "worker" },
    });
  });

  test("an installed machine boots from its disk until it is reset", () => {
    const ready = lived(seen, approve, boot, report("installed"));
    expect(nextBoot(ready, view, undefined, start)).toMatchObject({ type: "disk" });
    expect(step(ready, mac, boot, start)).toEqual({ refused: "it is installed and boots from its disk" });
    const again = lived(seen, approve, boot, report("installed"), { type: "reset" });
    expect(again.state).toBe("approved");
    expect(nextBoot(again, view, undefined, start)).toMatchObject({ type: "profile" });
  });

  test("what boots into memory is given its boot profile each time", () => {
    const memory = { ...boot, installOnce: false };
    const ready = lived(seen, approve, memory, report("booted"));
    expect(ready).toMatchObject({ state: "ready" });
    const view = { described: true, group, profile: { id: "worker", boot: profile.boot, place } };
    expect(nextBoot(ready, view, undefined, start)).toMatchObject({ type: "profile" });
  });

  test("an install whose report is lost is not begun for ever", () => {
    let life = lived(seen, approve);
    for (let i = 0; i < maxInstallAttempts; i++) {
      const now = start + (i + 2) * 60_000;
      expect(nextBoot(life, view, undefined, now)).toMatchObject({ type: "profile" });
      const result = step(life, mac, boot, now);
      if ("refused" in result) throw new Error(result.refused);
      life = result.life;
    }
    expect(nextBoot(life, view, undefined, start + 3_600_000)).toMatchObject({ type: "disk" });
    expect(step(life, mac, boot, start + 3_600_000)).toHaveProperty("refused");
  });

  test("a script that is asked for twice in one boot is one attempt", () => {
    const once = lived(seen, approve, boot);
    const at = Date.parse(once.boot!.at);
    expect(step(once, mac, boot, at + 2000)).toEqual({ life: once });
  });

  test("no report in time: failed, with the reason; a late report mends it", () => {
    const booted = lived(seen, approve, boot);
    const later = start + 3_600_000;
    const overdue = step(booted, mac, { type: "tick" }, later);
    expect(overdue).toMatchObject({
      life: { state: "failed", reason: "no report that it is installed within 10 minutes" },
    });
    if ("refused" in overdue) throw new Error("refused");
    const result = step(overdue.life, mac, report("installed"), later);
    expect(result).toMatchObject({ life: { state: "ready" } });
    expect(result).not.toHaveProperty("life.reason");
  });

  test("where nobody reports, nothing is overdue", () => {
    const booted = lived(seen, approve, { ...boot, installOnce: false });
    expect(step(booted, mac, { type: "tick" }, start + 86_400_000)).toEqual({ life: booted });
  });

  test("a report of a machine that was given nothing is refused", () => {
    expect(step(lived(seen, approve), mac, report("installed"), start)).toHaveProperty("refused");
    expect(step(undefined, mac, report("installed"), start)).toHaveProperty("refused");
  });

  test("a retired machine gets nothing, and is discovered anew when it is reset", () => {
    const retired = lived(seen, approve, boot, { type: "retire" });
    expect(nextBoot(retired, view, "auto", start)).toMatchObject({ type: "disk" });
    expect(step(retired, mac, approve, start)).toEqual({ refused: "it is retired; reset it first" });
    expect(lived(seen, approve, boot, { type: "retire" }, { type: "reset" }).state).toBe("discovered");
  });
});

test.each<[ApprovePolicy, MachineView, string]>([
  [undefined, view, "profile"],
  [undefined, { ...view, described: false }, "profile"],
  [undefined, { described: false, group: { ...group, selector: {} }, profile }, "menu"],
  ["auto", { described: false, group: { ...group, selector: {} }, profile }, "profile"],
  ["manual", view, "wait"],
  ["manual", { described: false, group: { ...group, selector: {} }, profile }, "menu"],
  ["auto", { described: false }, "menu"],
])("with approve: %s, a new machine (%j) gets: %s", (policy, view, type) => {
  expect(nextBoot(undefined, view, policy, start).type).toBe(type);
});

test("the group's word on install goes before the boot profile's", () => {
  expect(
    installsOnce({ described: true, group: { ...group, install: "once" }, profile: { ...profile } }),
  ).toBe(true);
  expect(installsOnce({ described: true, group })).toBe(false);
});

const anyEvent: fc.Arbitrary<LifeEvent> = fc.oneof(
  fc.record({ type: fc.constant("seen" as const), address: fc.constantFrom("10.0.0.5", "10.0.0.6") }),
  fc.record({
    type: fc.constant("approve" as const),
    by: fc.constantFrom("policy" as const, "person" as const),
  }),
  fc.constant({ type: "config-fetched" } as const),
  fc.record({ type: fc.constant("report" as const), stage: fc.constantFrom(...reportStages) }),
  fc.constant({ type: "retire" } as const),
  fc.constant({ type: "tick" } as const),
);

test("no sequence of events installs a machine again without a reset", () => {
  const ask = fc.constant("boot" as const);
  const reset = fc.constant({ type: "reset" } as const);
  const events = fc.array(
    fc.tuple(fc.oneof({ weight: 3, arbitrary: anyEvent }, ask, reset), fc.nat(7_200_000)),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(events, fc.constantFrom<ApprovePolicy>("auto", "manual", undefined), (events, policy) => {
      let life: MachineLife | undefined;
      let now = start;
      let done = false;
      let begun = 0;
      for (const [event, elapsedMs] of events) {
        now += elapsedMs;
        if (event === "boot") {
          // As the boot handler does: what the machine gets, and the note of it.
          const next = nextBoot(life, view, policy, now);
          if (next.type !== "profile") continue;
          for (const noted of [seen, { type: "approve", by: "policy" }, boot] as const) {
            const result = step(life, mac, noted, now);
            // What is handed out can be noted down: the two agree.
            expect(result).not.toHaveProperty("refused");
            if ("life" in result) life = result.life;
          }
          expect(done).toBe(false);
          begun += 1;
          continue;
        }
        const result = step(life, mac, event, now);
        if ("refused" in result) continue;
        const wasBooted = life?.boot !== undefined && life.state !== "retired";
        life = result.life;
        if (event.type === "reset") {
          done = false;
          begun = 0;
        }
        if (event.type === "report" && (event.stage === "installed" || event.stage === "booted") && wasBooted)
          done = true;
        if (event.type === "retire") done = false;
      }
      // However often scripts are asked for: a boot within half a minute is the same one.
      if (life?.boot) expect(life.boot.attempts).toBeLessThanOrEqual(maxInstallAttempts);
      if (life?.boot) expect(begun).toBeGreaterThanOrEqual(life.boot.attempts);
    }),
    { numRuns: 2000 },
  );
});
