import { SlipwayError } from "../base/errors.js";
import { catalogEntries, kubernetesVersions } from "./catalog-data.js";
import type { CatalogEntry, Component } from "./catalog-entry.js";
import type { ComponentRef } from "./component.js";

const byName = new Map(catalogEntries.map((entry) => [entry.name, entry]));

/** The Kubernetes versions that there are, newest first. */
export const supportedKubernetesVersions: readonly string[] = kubernetesVersions;
export const defaultKubernetesVersion: string = kubernetesVersions[0];

export const catalog = (): readonly CatalogEntry[] => catalogEntries;

/** @throws {SlipwayError} `COMPONENT_UNKNOWN` */
export function catalogEntry(name: string): CatalogEntry {
  const entry = byName.get(name);
  if (!entry) {
    throw new SlipwayError("COMPONENT_UNKNOWN", `there is no component named "${name}"`, {
      hint: "see slipway components list",
    });
  }
  return entry;
}

/** @throws {SlipwayError} `COMPONENT_UNKNOWN`, naming the versions that there are. */
export function findComponent(ref: ComponentRef): Component {
  const entry = catalogEntry(ref.name);
  if (!entry.versions.includes(ref.version)) {
    throw new SlipwayError("COMPONENT_UNKNOWN", `there is no ${ref.name} ${ref.version} in the catalog`, {
      hint: `choose one of ${entry.versions.join(", ")}`,
    });
  }
  return { name: ref.name, version: ref.version, entry };
}

/** A reference to a component: at `version` if the catalog has it at that version, else at its default. */
export function refOf(name: string, version?: string): ComponentRef {
  const { versions } = catalogEntry(name);
  return { name, version: version !== undefined && versions.includes(version) ? version : versions[0]! };
}

/** Fills in a catalog text. @throws {SlipwayError} `INTERNAL` for a placeholder that has no value. */
export function expand(template: string, ref: ComponentRef, more: Record<string, string> = {}): string {
  const bare = ref.version.replace(/^v/, "");
  const [major = "", minor = ""] = bare.split(".");
  const values: Record<string, string> = {
    name: ref.name,
    version: ref.version,
    bare,
    major,
    minor,
    arch: goArchitecture(),
    ...more,
  };
  return template.replace(/\{(\w+)\}/g, (placeholder, key: string) => {
    const value = values[key];
    if (value === undefined)
      throw new SlipwayError("INTERNAL", `nothing to put in for ${placeholder} in ${template}`);
    return value;
  });
}

/** This machine's architecture by Go's name, which release files and images use. */
export function goArchitecture(): string {
  return { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch;
}
