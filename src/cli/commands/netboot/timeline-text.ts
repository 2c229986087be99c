import type { MachineStatus } from "../../../netboot/admin/machines.js";
import type { Observation } from "../../../netboot/observation.js";
import type { Boot, BootPart } from "../../../netboot/timeline/boots.js";
import type { Missing } from "../../../netboot/timeline/causes.js";
import type { Witnessed } from "../../../netboot/timeline/recorder.js";
import { stepTitles } from "../../../netboot/timeline/steps.js";
import type { Timeline } from "../../../netboot/timeline/timeline.js";
import { clean } from "../../output/board.js";
import { bytes, seconds } from "../../output/figures.js";

/** A machine and its boots, for people. */
export function machineText(status: MachineStatus, timeline: Timeline | undefined, now: number): string {
  return [
    head(status),
    ...(timeline?.boots.map((boot) => bootText(boot)) ?? ["nothing was seen of it"]),
    ...(timeline?.missing === undefined ? [] : [missingText(timeline.missing)]),
    ...(timeline === undefined ? [] : [`last seen ${ago(now - Date.parse(timeline.lastSeen))} ago`]),
  ].join("\n\n");
}

function head({ name, mac, address, state, life }: MachineStatus): string {
  const who = [name, mac, address].filter((part) => part !== undefined).join("  ");
  const facts = [
    `${state}${life === undefined ? "" : ` since ${local(life.since)}`}`,
    ...(life?.boot === undefined ? [] : [`boot profile ${life.boot.profile}`]),
    ...(life?.boot?.installOnce && !life.installed ? [`attempt ${life.boot.attempts}`] : []),
    ...(life?.installed === undefined ? [] : [`boots from its disk since ${local(life.installed.at)}`]),
    ...(life?.reason === undefined ? [] : [clean(life.reason)]),
  ];
  return `${who}\n${facts.join("; ")}`;
}

function bootText(boot: Boot): string {
  const start = Date.parse(boot.started);
  const size = boot.bytes === 0 ? "" : `, ${bytes(boot.bytes)}`;
  const lines = boot.parts.flatMap((part) => partLines(part, start));
  return [`boot of ${local(boot.started)}, ${seconds(boot.durationMs)}${size}`, ...lines].join("\n");
}

/** A silence that is worth a line. */
const longSilenceMs = 5000;

function partLines(part: BootPart, start: number): string[] {
  const title = part.step === "aside" ? "" : stepTitles[part.step];
  const gap =
    part.silenceMs > longSilenceMs ? [`${" ".repeat(12)}… ${seconds(part.silenceMs)} of silence`] : [];
  return [
    ...gap,
    ...part.observations.map((observation, i) => {
      const ms = Date.parse(observation.time) - start;
      const at = `${ms < 0 ? "−" : "+"}${seconds(Math.abs(ms))}`;
      return `${at.padStart(11)} ${(i === 0 ? title : "").padEnd(26)} ${factsOf(observation)}`.trimEnd();
    }),
  ];
}

function factsOf({ what, outcome, durationMs, bytes: size, details, address }: Observation): string {
  const facts = [
    clean(what),
    ...(outcome === "ok" ? [] : [outcome.toUpperCase()]),
    ...(size === undefined || size === 0 ? [] : [bytes(size)]),
    ...(durationMs === undefined || durationMs < 50 ? [] : [seconds(durationMs)]),
    ...(/ACK$/.test(what) && address !== undefined ? [address] : []),
    ...[
      "status",
      "firmware",
      "file",
      "group",
      "profile",
      "server",
      "gets",
      "error",
      "because",
      "reason",
    ].flatMap((key) => {
      const value = details[key];
      return value === undefined || (key === "status" && value === "200") ? [] : [`${key} ${clean(value)}`];
    }),
  ];
  return facts.join(", ");
}

function missingText({ next, after, overdue, waitedMs, causes }: Missing): string {
  const head = overdue
    ? `${next} did not come, ${ago(waitedMs)} after ${clean(after)}; likely causes:`
    : `waits for ${next}, since ${ago(waitedMs)}; if it does not come:`;
  return [
    head,
    ...causes.flatMap(({ cause, try: action }) => [`  - ${clean(cause)}`, `    try  ${clean(action)}`]),
  ].join("\n");
}

/** One observation on a line. */
export const observationText = (observation: Witnessed): string => {
  const { time, machine = "", stage } = observation;
  return `${clock(time)}  ${machine.padEnd(17)}  ${stage.padEnd(9)}  ${factsOf(observation)}`;
};

/** A time span as people say it: `12 s`, `3 min`, `5 h`, `2 days`. */
export function ago(ms: number): string {
  if (ms < 100_000) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < 100 * 60_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * 3_600_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

const local = (time: string): string => {
  const date = new Date(time);
  return `${date.toLocaleDateString("sv-SE")} ${date.toLocaleTimeString("sv-SE")}`;
};

const clock = (time: string): string => {
  const date = new Date(time);
  return `${date.toLocaleTimeString("sv-SE")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
};
