import semver from "semver";
import { shown, valueInvalid } from "./problems.js";

/**
 * The supported version that was asked for, with its `v`: an exact one with or without `v`, `1.36` for its newest patch,
 * `stable` and `latest` for the newest of all.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` naming the near ones.
 */
export function resolveVersion(asked: string, supported: readonly string[]): string {
  const versions = supported.map((version) => version.replace(/^v/, "")).sort(semver.rcompare);
  const text = asked.trim().replace(/^v/i, "");
  if (text === "stable" || text === "latest") {
    const newest = versions.find((version) => !semver.prerelease(version)) ?? versions[0];
    if (newest) return `v${newest}`;
  }
  const minor = /^\d+\.\d+$/.test(text);
  if (!minor && !semver.valid(text)) {
    throw valueInvalid(`${shown(asked)} is not a Kubernetes version; write v1.36.3, 1.36, stable or latest`);
  }
  const found = versions.find((version) => (minor ? version.startsWith(`${text}.`) : version === text));
  if (found) return `v${found}`;
  throw valueInvalid(
    `Kubernetes ${shown(asked)} is not offered; near it: ${near(text, versions).join(", ")}`,
  );
}

/** Those of the same minor release, else of the nearest minors. */
function near(text: string, versions: readonly string[]): string[] {
  const asked = semver.coerce(text);
  const distance = (version: string) =>
    asked
      ? Math.abs(semver.minor(version) - asked.minor) + 100 * Math.abs(semver.major(version) - asked.major)
      : 0;
  return [...versions]
    .sort((a, b) => distance(a) - distance(b) || semver.rcompare(a, b))
    .slice(0, 3)
    .map((version) => `v${version}`);
}

/** `1.36` of `v1.36.3`. */
export const minorOf = (version: string): string => `${semver.major(version)}.${semver.minor(version)}`;
