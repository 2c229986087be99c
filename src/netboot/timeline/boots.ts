import type { Observation } from "../observation.js";
import { type BootStep, rankOf, stepOf } from "./steps.js";

/** What was seen of one step, in one go. */
export interface BootPart {
  step: BootStep | "aside";
  observations: Observation[];
  started: string;
  /** From the beginning of its first to the end of its last observation. */
  durationMs: number;
  /** How long nothing was seen before it. */
  silenceMs: number;
  bytes: number;
  /** The last observation's. */
  outcome: Observation["outcome"];
}

/** One boot of a machine, from its first packet on, with what a person did of it just before. */
export interface Boot {
  /** When its first packet came. */
  started: string;
  durationMs: number;
  bytes: number;
  parts: BootPart[];
  /** The furthest step. Undefined: nothing but asides. */
  reached?: BootStep;
}

/** After so long a silence a DHCP request begins another boot, whatever came before. */
const newBootAfterMs = 10 * 60_000;

/** Splits what was seen of one machine, in order of time, into its boots. Every observation is in one of them. */
export function splitBoots(observations: readonly Observation[]): Boot[] {
  const boots: Boot[] = [];
  let boot: Boot | undefined;
  let endsAt = 0;
  for (const observation of observations) {
    const at = Date.parse(observation.time);
    let step = stepOf(observation, boot?.reached);
    if (!boot || beginsAnew(step, boot, at - endsAt)) {
      step = stepOf(observation, undefined);
      boot = { started: observation.time, durationMs: 0, bytes: 0, parts: [] };
      boots.push(boot);
      endsAt = at;
    }
    // A boot begins with the machine's own first word; what a person did before belongs to it.
    const begins = step !== "aside" && boot.reached === undefined;
    if (begins) boot.started = observation.time;
    add(boot, step, observation, begins ? 0 : Math.max(0, at - endsAt));
    endsAt = Math.max(endsAt, at + (observation.durationMs ?? 0));
    if (step !== "aside") boot.durationMs = endsAt - Date.parse(boot.started);
  }
  return boots;
}

/** The firmware's DHCP after anything that comes later in a boot, or a DHCP request after a long silence. */
function beginsAnew(step: BootStep | "aside", { reached, parts }: Boot, silenceMs: number): boolean {
  if (step === "aside" || reached === undefined) return false;
  if (step === "firmware-dhcp")
    return rankOf(reached) > rankOf("firmware-dhcp") || silenceMs > newBootAfterMs;
  // iPXE in the ROM is the first that is seen of a boot.
  if (step !== "ipxe-dhcp") return false;
  return rankOf(reached) > rankOf("script") || silenceMs > newBootAfterMs || parts.some(hasOwnScript);
}

/** Its boot profile's script, or one in its place: after that iPXE does not ask for an address again. */
const hasOwnScript = ({ step, observations }: BootPart): boolean =>
  step === "script" && observations.some(({ what }) => /\/(?:ipxe|grub)$/.test(what));

function add(boot: Boot, step: BootStep | "aside", observation: Observation, silenceMs: number): void {
  const { time, durationMs = 0, bytes = 0, outcome } = observation;
  boot.bytes += bytes;
  if (step !== "aside" && (boot.reached === undefined || rankOf(step) > rankOf(boot.reached)))
    boot.reached = step;
  const last = boot.parts.at(-1);
  if (last?.step === step) {
    last.observations.push(observation);
    last.durationMs = Math.max(last.durationMs, Date.parse(time) + durationMs - Date.parse(last.started));
    last.bytes += bytes;
    last.outcome = outcome;
  } else {
    boot.parts.push({
      step,
      observations: [observation],
      started: time,
      durationMs,
      silenceMs,
      bytes,
      outcome,
    });
  }
}
