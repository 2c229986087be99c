import { join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { readTextIfPresent } from "../base/files.js";
import { inspectCertificate } from "../pki/inspect.js";
import { authorities } from "../plan/certificates.js";
import { profilePaths } from "./profile.js";

/** The oldest Kubernetes that slipway offers, v1.34.0, was released on this day: no right clock reads an earlier one. */
export const earliestRightTime = new Date("2025-08-27T00:00:00Z");

/** When the authorities of a cluster can be used. */
export interface AuthorityLife {
  /** When the last of them begins. */
  notBefore: Date;
  /** When the first of them ends. */
  notAfter: Date;
}

/**
 * Whether the machine's clock and the authorities of a profile go together, before anything is touched. A wrong clock makes
 * every connection of a cluster fail, each with a message of its own.
 *
 * @throws {SlipwayError} `CLOCK_WRONG`; `CERTIFICATE_INVALID` when an authority has expired, or is torn.
 */
export async function checkClock(profile: string, context: Context): Promise<void> {
  const problem = clockProblem(
    context.clock.now(),
    profile,
    await authorityLife(profilePaths(profile, context).pki),
  );
  if (problem) throw problem;
}

/** Undefined when there is no authority yet. */
async function authorityLife(directory: string): Promise<AuthorityLife | undefined> {
  const pems = await Promise.all(
    authorities.map(({ file }) => readTextIfPresent(join(directory, `${file}.crt`))),
  );
  const lives = pems.flatMap((pem) => (pem === undefined ? [] : [inspectCertificate(pem, new Date(0))]));
  if (lives.length === 0) return undefined;
  return {
    notBefore: new Date(Math.max(...lives.map(({ notBefore }) => notBefore.getTime()))),
    notAfter: new Date(Math.min(...lives.map(({ notAfter }) => notAfter.getTime()))),
  };
}

/** How a clock is set. */
export const setClock = "timedatectl set-ntp true, or by hand: date --utc --set 'YYYY-MM-DD hh:mm'";

/** What is wrong about a machine's clock, given the authorities of the profile, if it has any. Pure. */
export function clockProblem(now: Date, profile: string, life?: AuthorityLife): SlipwayError | undefined {
  const anew = `slipway delete -p ${profile}, then slipway start -p ${profile}`;
  if (now < earliestRightTime) {
    return new SlipwayError(
      "CLOCK_WRONG",
      "this machine's clock is wrong: it reads a time before slipway was made",
      {
        details: {
          clock: timeText(now),
          ...(life ? { "the cluster begins": timeText(life.notBefore) } : {}),
        },
        hint: `nothing was touched; set the clock and run the same command again: ${setClock}`,
      },
    );
  }
  if (life && now < life.notBefore) {
    return new SlipwayError(
      "CLOCK_WRONG",
      `this machine's clock is ${spanText(life.notBefore.getTime() - now.getTime())} behind the certificates of "${profile}"`,
      {
        details: {
          clock: timeText(now),
          certificates: `begin ${timeText(life.notBefore)}, shortly before the cluster was made by the clock of then`,
          "if it is wrong": `set it and run the same command again: ${setClock}`,
          "if it is right": `it was ahead when the cluster was made, whose authorities cannot be used before they begin.\nWait until then, or make the cluster anew, without its data: ${anew}`,
        },
        hint: "date --utc, to see which it is; nothing was touched",
      },
    );
  }
  if (life && now > life.notAfter) {
    return new SlipwayError("CERTIFICATE_INVALID", `the authorities of "${profile}" have expired`, {
      details: {
        clock: timeText(now),
        authorities: `ended ${timeText(life.notAfter)}`,
        "if the clock is wrong": `set it and run the same command again: ${setClock}`,
        "if it is right": `nothing can be signed for this cluster any more. Make it anew, without its data: ${anew}`,
      },
      hint: "date --utc, to see which it is; nothing was touched",
    });
  }
  return undefined;
}

/** `2026-11-21 11:42:07 UTC` */
export const timeText = (time: Date): string => `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** How far two moments are apart: `3 min`, `5 h`, `30 days`, `56 years`. */
export function spanText(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 120) return `${Math.ceil(minutes)} min`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`;
  const days = Math.round(minutes / (24 * 60));
  return days < 2 * 365 ? `${days} days` : `${Math.floor(days / 365.25)} years`;
}
