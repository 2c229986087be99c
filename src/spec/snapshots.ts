import { parseDuration } from "./duration.js";
import { shown, valueInvalid } from "./problems.js";

const shortestMs = 10_000;
const longestDays = 30;

/**
 * Reads how often snapshots are taken, in milliseconds.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` unless it is a duration from 10 s to 30 days.
 */
export function parseSnapshotInterval(text: string): number {
  const everyMs = parseDuration(text, longestDays);
  if (everyMs >= shortestMs) return everyMs;
  throw valueInvalid(`${shown(text)} is too often for snapshots; 10s at least`);
}
