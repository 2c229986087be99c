import { RecentlyUsed } from "../../base/recently-used.js";
import type { IgnitionConfig } from "../../ignition/config.js";
import type { LocatedProblem } from "../../ignition/parse.js";
import { acceptedMinor, atMinor, minorOf, usualMinor } from "./ignition-version.js";

/** Makes an Ignition config of a Butane one: `translateButane`. `config` is undefined when there are errors. */
export type Translate = (
  yamlText: string,
  options: { file: string },
) => { config: IgnitionConfig | undefined; problems: LocatedProblem[] };

/** A config as JSON, in the newest spec 3.`minor` that the client and we know, or why it cannot have it. */
export type IgnitionAnswer =
  | { json: Buffer; minor: number; because: string; problems: LocatedProblem[] }
  | { reason: string; problems: LocatedProblem[] };

/** Translating costs much, and most machines ask more than once, many for the same: answers are kept, by text. */
const keptBytes = 64 << 20;
const kept = new WeakMap<Translate, RecentlyUsed<IgnitionAnswer>>();

/** For what a template made; problems have the lines of that text. */
export function ignitionFromButane(
  rendered: string,
  file: string,
  accept: string | undefined,
  translate: Translate,
): IgnitionAnswer {
  const answers = kept.get(translate) ?? new RecentlyUsed<IgnitionAnswer>(keptBytes);
  kept.set(translate, answers);
  const accepted = acceptedMinor(accept);
  const key = `${accepted ?? ""}\0${file}\0${rendered}`;
  const known = answers.get(key);
  if (known) return known;
  const { config, problems } = translate(rendered, { file: `${file} (rendered)` });
  const answer: IgnitionAnswer = config
    ? sayAt(config, accepted, problems, jsonAt)
    : { reason: `${file} does not become a valid Ignition config`, problems };
  answers.set(key, answer, ("json" in answer ? answer.json.length : 0) + 500 * problems.length);
  return answer;
}

/** For a config that is served as it is. */
export const ignitionAsWritten = (config: IgnitionConfig, accept: string | undefined): IgnitionAnswer =>
  sayAt(config, acceptedMinor(accept), [], keptJsonAt);

function sayAt(
  config: IgnitionConfig,
  accepted: ReturnType<typeof acceptedMinor>,
  problems: LocatedProblem[],
  write: typeof jsonAt,
): IgnitionAnswer {
  const own = minorOf(config);
  if (accepted === "none") return { reason: "the client reads no Ignition config of spec 3", problems };
  if (accepted !== undefined) {
    const json = write(config, accepted);
    const because = `the newest spec that the client and slipway know is 3.${accepted}`;
    return json
      ? { json, minor: accepted, because, problems }
      : {
          reason: `the config needs Ignition spec 3.${own}; the client reads specs up to 3.${accepted}`,
          problems,
        };
  }
  const json = write(config, usualMinor);
  return json
    ? { json, minor: usualMinor, because: "the client says nothing of specs", problems }
    : {
        json: write(config, own)!,
        minor: own,
        because: `the client says nothing of specs, and 3.${usualMinor} cannot say it`,
        problems,
      };
}

function jsonAt(config: IgnitionConfig, minor: number): Buffer | undefined {
  const said = atMinor(config, minor);
  return said && Buffer.from(JSON.stringify(said));
}

/** By minor; undefined: it cannot be said there. */
const written = new WeakMap<IgnitionConfig, Map<number, Buffer | undefined>>();

function keptJsonAt(config: IgnitionConfig, minor: number): Buffer | undefined {
  const known = written.get(config) ?? new Map<number, Buffer | undefined>();
  written.set(config, known);
  if (!known.has(minor)) known.set(minor, jsonAt(config, minor));
  return known.get(minor);
}
