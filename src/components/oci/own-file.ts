import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlipwayError } from "../../base/errors.js";
import { exists } from "../../base/files.js";

/** A file that comes with slipway, beside its own programs. */
export interface OwnFile {
  /** Its name in `dist/`. */
  name: string;
  /** What it must be, lower-case hex: known when slipway was bundled. */
  sha256: string;
}

/**
 * Finds it above this module, which is in `dist/` itself or in a directory of it; a run from the sources has it in their `dist/`.
 *
 * @throws {SlipwayError} `INTERNAL` when it is missing, or of another build
 */
export async function findOwnFile({ name, sha256 }: OwnFile): Promise<{ path: string; sizeBytes: number }> {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (let level = 0; level < 4; level++, directory = dirname(directory)) {
    const places = [join(directory, name), join(directory, "dist", name)];
    const found = await Promise.all(places.map(exists));
    const path = places.find((_, i) => found[i]);
    if (path === undefined) continue;
    const bytes = await readFile(path);
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return { path, sizeBytes: bytes.length };
    throw new SlipwayError("INTERNAL", `${path} is not of this build of slipway`, {
      hint: "install slipway again",
    });
  }
  throw new SlipwayError("INTERNAL", `slipway's own file ${name} is missing`, {
    hint: "install slipway again",
  });
}
