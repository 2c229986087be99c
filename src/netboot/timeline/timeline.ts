import type { Observation } from "../observation.js";
import { type Boot, splitBoots } from "./boots.js";
import { type Missing, missingStep } from "./causes.js";
import { joinByMachine } from "./join.js";

/** What was seen of one machine: its boots, each with its parts, and what the last one waits for. */
export interface Timeline {
  /** MAC; of what could not be joined to a machine the address, or nothing. */
  machine: string;
  firstSeen: string;
  lastSeen: string;
  boots: Boot[];
  /** Of the last boot. Undefined: it came to its end. */
  missing?: Missing;
}

/**
 * The timelines of all machines that the observations are of, in any order. No observation is lost: each is in one
 * boot of one timeline.
 *
 * @param now milliseconds since 1970
 */
export const makeTimelines = (observations: readonly Observation[], now: number): Timeline[] =>
  [...joinByMachine(observations)].map(([machine, own]) => timelineOf(machine, own, now));

/** The timeline of one machine alone; undefined: nothing was seen of it. */
export function makeTimeline(
  observations: readonly Observation[],
  mac: string,
  now: number,
): Timeline | undefined {
  const own = joinByMachine(observations).get(mac);
  return own && timelineOf(mac, own, now);
}

function timelineOf(machine: string, observations: readonly Observation[], now: number): Timeline {
  const boots = splitBoots(observations);
  const missing = missingStep(boots.at(-1)!, now);
  return {
    machine,
    firstSeen: observations[0]!.time,
    lastSeen: observations.at(-1)!.time,
    boots,
    ...(missing === undefined ? {} : { missing }),
  };
}
