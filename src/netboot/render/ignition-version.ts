import { isDeepStrictEqual } from "node:util";
import type { IgnitionConfig } from "../../ignition/config.js";
import { validateIgnition } from "../../ignition/validate.js";

/** The newest spec that we write: 3.5. */
const newestMinor = 5;
/** What matchbox writes for everybody: 3.4. */
export const usualMinor = 4;

/**
 * The newest spec 3.x that a client says it reads: ignition sends
 * `Accept: application/vnd.coreos.ignition+json;version=3.5.0, …`.
 *
 * @returns undefined when it says nothing of Ignition; `none` when it reads no spec 3.
 */
export function acceptedMinor(accept: string | undefined): number | "none" | undefined {
  const versions = [...(accept ?? "").matchAll(ignitionVersion)].map(([, major, minor]) => [
    major,
    Number(minor),
  ]);
  if (versions.length === 0) return undefined;
  const minors = versions.flatMap(([major, minor]) => (major === "3" ? [minor as number] : []));
  return minors.length === 0 ? "none" : Math.min(Math.max(...minors), newestMinor);
}

const ignitionVersion = /application\/vnd\.coreos\.ignition\+json\s*;\s*version="?(\d+)(?:\.(\d+))?/gi;

export const minorOf = (config: IgnitionConfig): number => Number(config.ignition.version.split(".")[1]);

/** The config in the words of another spec 3.x, newer or older; undefined when that one cannot say it. */
export function atMinor(config: IgnitionConfig, minor: number): IgnitionConfig | undefined {
  if (minorOf(config) === minor) return config;
  const wanted = { ...config, ignition: { ...config.ignition, version: `3.${minor}.0` } };
  if (minorOf(config) > minor && minor < 4 && hasSpecialModes(config)) return undefined;
  const { config: checked } = validateIgnition(wanted);
  // A spec drops what it does not know; then something was lost.
  return checked && isDeepStrictEqual(plain(checked), plain(wanted)) ? checked : undefined;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Specs before 3.4 ignore setuid, setgid and sticky bits without a word. */
const hasSpecialModes = ({ storage }: IgnitionConfig): boolean =>
  [...(storage?.files ?? []), ...(storage?.directories ?? [])].some(({ mode = 0 }) => mode > 0o777);
