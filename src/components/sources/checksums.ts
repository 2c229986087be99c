import { SlipwayError } from "../../base/errors.js";

/**
 * Reads a published checksum file: either sha256sum's form, a line `<hash>  <name>` or `<hash> *<name>` for each file, or the
 * bare hash, as dl.k8s.io has it.
 *
 * @returns lower-case hex
 * @throws {SlipwayError} `COMPONENT_CORRUPT` when it says nothing about the file.
 */
export function publishedHash(text: string, fileName: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  for (const line of lines) {
    const [, hash = "", name] = /^([0-9a-fA-F]{64})(?:\s+\*?(\S+))?\s*$/.exec(line.trim()) ?? [];
    if (hash === "") continue;
    const bare = name === undefined && lines.length === 1;
    if (bare || name?.split("/").at(-1) === fileName) return hash.toLowerCase();
  }
  throw new SlipwayError("COMPONENT_CORRUPT", `the published checksums do not name ${fileName}`);
}
