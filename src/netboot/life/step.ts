import type { BootRun, LifeEvent, LifeState, MachineLife, ReportStage } from "./types.js";

/** How often an install may begin without one reporting that it is done: a lost report must not install for ever. */
export const maxInstallAttempts = 3;

/** A boot script asked for again so soon is the same boot: no firmware comes round in that time. */
const sameBootMs = 30_000;

/** A machine that is there is not written down again for this long. */
const seenAgainMs = 60_000;

/** What an event makes of a machine's life: the same object when nothing, or why it cannot be. */
export type Step = { life: MachineLife } | { refused: string };

/** @param now milliseconds since 1970 */
export function step(life: MachineLife | undefined, mac: string, event: LifeEvent, now: number): Step {
  const time = new Date(now).toISOString();
  if (life === undefined) return begin(mac, event, time);
  switch (event.type) {
    case "seen":
      return { life: seen(life, event.address, time, now) };
    case "approve":
      if (life.state === "retired") return { refused: "it is retired; reset it first" };
      if (life.state !== "discovered") return { life };
      return { life: { ...moved(life, "approved", time), approvedBy: event.by } };
    case "boot":
      return boot(life, event, now);
    case "config-fetched":
      return life.boot === undefined
        ? { life }
        : { life: { ...life, boot: { ...life.boot, configAt: time } } };
    case "report":
      return report(life, event.stage, event.reason, time);
    case "reset":
      return { life: reset(life, time) };
    case "retire":
      return life.state === "retired" ? { life } : { life: moved(forgetting(life), "retired", time) };
    case "tick":
      return {
        life: isOverdue(life, now) ? { ...moved(life, "failed", time), reason: overdue(life.boot) } : life,
      };
  }
}

/** Whether it has begun its install as often as it may, and never reported that it is done. */
export const isOutOfAttempts = (life: MachineLife | undefined, now: number): boolean =>
  life?.boot !== undefined &&
  life.boot.attempts >= maxInstallAttempts &&
  !(life.state === "provisioning" && isSameBoot(life.boot, now));

const moved = (life: MachineLife, state: LifeState, time: string): MachineLife => {
  const { reason: _, ...rest } = life;
  return { ...rest, state, since: time };
};

function begin(mac: string, event: LifeEvent, time: string): Step {
  const life = { mac, since: time, firstSeen: time, lastSeen: time };
  switch (event.type) {
    case "seen":
      return {
        life: {
          ...life,
          state: "discovered",
          ...(event.address === undefined ? {} : { address: event.address }),
        },
      };
    case "approve":
      return { life: { ...life, state: "approved", approvedBy: event.by } };
    default:
      return { refused: "it was never seen" };
  }
}

function seen(life: MachineLife, address: string | undefined, time: string, now: number): MachineLife {
  const moves = address !== undefined && address !== life.address;
  if (!moves && now - Date.parse(life.lastSeen) < seenAgainMs) return life;
  return { ...life, lastSeen: time, ...(moves ? { address } : {}) };
}

function boot(
  life: MachineLife,
  { profile, installOnce, windowMs }: Extract<LifeEvent, { type: "boot" }>,
  now: number,
): Step {
  if (life.state === "discovered") return { refused: "it is not approved" };
  if (life.state === "retired") return { refused: "it is retired" };
  if (life.installed) return { refused: "it is installed and boots from its disk" };
  const last = life.boot;
  const again = last !== undefined && life.state === "provisioning" && isSameBoot(last, now);
  if (again && last.profile === profile && last.installOnce === installOnce) return { life };
  if (installOnce && isOutOfAttempts(life, now)) {
    return { refused: `its install began ${maxInstallAttempts} times and never reported that it is done` };
  }
  const time = new Date(now).toISOString();
  const { reported: _, ...rest } = moved(life, "provisioning", time);
  const before = last?.attempts ?? 0;
  return {
    life: {
      ...rest,
      lastSeen: time,
      boot: {
        at: time,
        profile,
        installOnce,
        attempts: installOnce ? before + (again && last.installOnce ? 0 : 1) : before,
        until: new Date(now + windowMs).toISOString(),
      },
    },
  };
}

const isSameBoot = (run: BootRun, now: number): boolean => now - Date.parse(run.at) < sameBootMs;

function report(life: MachineLife, stage: ReportStage, reason: string | undefined, time: string): Step {
  const run = life.boot;
  if (run === undefined || life.state === "discovered" || life.state === "retired") {
    return { refused: "it was given nothing to boot that it could report on" };
  }
  const told: MachineLife = { ...life, lastSeen: time, reported: stage };
  switch (stage) {
    case "failed":
      return {
        life: { ...moved(told, "failed", time), reason: reason ?? "the node reported that it failed" },
      };
    case "booted":
    case "installed": {
      const ready = life.state === "ready" ? told : moved(told, "ready", time);
      const done = run.installOnce && !life.installed;
      return { life: done ? { ...ready, installed: { at: time, profile: run.profile } } : ready };
    }
    default:
      // A node that is ready and boots from its disk tells of its initrd, too: it stays ready.
      if (life.state === "ready") return { life: { ...life, lastSeen: time } };
      return { life: life.state === "provisioning" ? told : moved(told, "provisioning", time) };
  }
}

function reset(life: MachineLife, time: string): MachineLife {
  if (life.state === "discovered") return life;
  return moved(forgetting(life), life.state === "retired" ? "discovered" : "approved", time);
}

function forgetting(life: MachineLife): MachineLife {
  const { boot: _boot, reported: _reported, installed: _installed, ...rest } = life;
  return rest;
}

/** Only where a report is to be expected: an install, or a node that has reported something in this boot. */
const isOverdue = ({ state, boot: run, reported }: MachineLife, now: number): boolean =>
  state === "provisioning" &&
  run !== undefined &&
  (run.installOnce || reported !== undefined) &&
  now > Date.parse(run.until);

const overdue = (run: BootRun | undefined): string =>
  `no report that it is ${run?.installOnce ? "installed" : "booted"} within ${
    run ? Math.round((Date.parse(run.until) - Date.parse(run.at)) / 60_000) : "its"
  } minutes`;
