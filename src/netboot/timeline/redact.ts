import type { Observation } from "../observation.js";

/** Text without the values of `token` parameters. */
export const withoutTokens = (text: string): string =>
  text.includes("token") ? text.replace(/\b(token=)[^&\s"']*/gi, "$1…") : text;

/** What may be written down: tokens are secrets. */
export function redacted(observation: Observation): Observation {
  const { what, details } = observation;
  if (
    !what.includes("token") &&
    !Object.values(details).some((value) => value.includes("token")) &&
    !details.token
  ) {
    return observation;
  }
  const clean = Object.entries(details).map(([key, value]) => [
    key,
    key === "token" ? "…" : withoutTokens(value),
  ]);
  return { ...observation, what: withoutTokens(what), details: Object.fromEntries(clean) };
}
