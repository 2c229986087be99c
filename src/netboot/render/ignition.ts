import type { IgnitionConfig } from "../../ignition/config.js";
import type { LocatedProblem } from "../../ignition/parse.js";
import type { ConfigText } from "../inventory/snapshot.js";
import { acceptedMinor, atMinor, minorOf, usualMinor } from "./ignition-version.js";

/** Makes an Ignition config of a Butane one: `translateButane`. `config` is undefined when there are errors. */
export type Translate = (
  yamlText: string,
  options: { file: string },
) => { config: IgnitionConfig | undefined; problems: LocatedProblem[] };

/** A Butane config, rendered and translated; kept, as most machines of a group get the same. */
interface Translated {
  config: IgnitionConfig | undefined;
  problems: LocatedProblem[];
}

/** Of one template, by the text that it made. */
const keptTexts = 64;
/** Longer texts are translated again each time. */
const keptLength = 256 << 10;
const translations = new WeakMap<ConfigText, Map<string, Translated>>();

/** Translates what a template made; problems have the lines of that text. */
export function translateKept(source: ConfigText, rendered: string, translate: Translate): Translated {
  const kept = translations.get(source) ?? new Map<string, Translated>();
  translations.set(source, kept);
  const known = kept.get(rendered);
  if (known) {
    kept.delete(rendered); // the latest used stands last
    kept.set(rendered, known);
    return known;
  }
  const made = translate(rendered, { file: `${source.place.file} (rendered)` });
  if (rendered.length > keptLength) return made;
  kept.set(rendered, made);
  if (kept.size > keptTexts) kept.delete(kept.keys().next().value!);
  return made;
}

/** The JSON for a client, by what it accepts, in the newest spec that both know; or why it cannot have it. */
export function ignitionJson(
  config: IgnitionConfig,
  accept: string | undefined,
): { json: Buffer; minor: number; because: string } | { reason: string } {
  const accepted = acceptedMinor(accept);
  const own = minorOf(config);
  if (accepted === "none") return { reason: "the client reads no Ignition config of spec 3" };
  if (accepted !== undefined) {
    const json = jsonAt(config, accepted);
    return json
      ? { json, minor: accepted, because: `the newest spec that the client accepts is 3.${accepted}` }
      : { reason: `the config needs Ignition spec 3.${own}; the client reads specs up to 3.${accepted}` };
  }
  const json = jsonAt(config, usualMinor);
  if (json) return { json, minor: usualMinor, because: "the client says nothing of specs" };
  return {
    json: jsonAt(config, own)!,
    minor: own,
    because: `the client says nothing of specs, and 3.${usualMinor} cannot say it`,
  };
}

/** By config, then by minor; undefined: cannot be said there. */
const written = new WeakMap<IgnitionConfig, Map<number, Buffer | undefined>>();

function jsonAt(config: IgnitionConfig, minor: number): Buffer | undefined {
  const known = written.get(config) ?? new Map<number, Buffer | undefined>();
  written.set(config, known);
  if (!known.has(minor)) {
    const said = atMinor(config, minor);
    known.set(minor, said && Buffer.from(JSON.stringify(said)));
  }
  return known.get(minor);
}
