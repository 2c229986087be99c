import { shown, valueInvalid } from "./problems.js";

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration as Go writes it: `90s`, `6m0s`, `1h30m`, `500ms`; in milliseconds.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` unless it is more than nothing and at most so many days.
 */
export function parseDuration(text: string, maxDays = 1): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const whole = parts.map(([part]) => part).join("") === text;
  const totalMs = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitsMs[unit!]!, 0);
  if (!whole || totalMs <= 0 || totalMs > maxDays * 24 * unitsMs.h!) {
    const most = maxDays === 1 ? "a day" : `${maxDays} days`;
    throw valueInvalid(`${shown(text)} is not a duration; write 90s, 6m or 1h30m, up to ${most}`);
  }
  return Math.round(totalMs);
}
