import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { refOf } from "../../components/catalog.js";
import { ensureComponents } from "../../components/ensure.js";
import type { EnsureOptions } from "../../components/options.js";

/**
 * The builds of iPXE that Debian has, by the name they are served under. There is none for UEFI on ia32, ARM or arm64.
 * They speak TFTP and HTTP, not HTTPS, hold no script, and say `iPXE` as their user class.
 */
const componentOf = {
  /** BIOS: uses the network card's own driver (UNDI). */
  "undionly.kpxe": "ipxe-undionly",
  /** UEFI x64: brings its own drivers. */
  "ipxe.efi": "ipxe-efi",
  /** UEFI x64: uses the firmware's driver. */
  "snponly.efi": "ipxe-snponly",
} as const;
export type BootFileName = keyof typeof componentOf;
export const bootFileNames = Object.keys(componentOf) as BootFileName[];

/** A file that firmware loads first. */
export interface BootFile {
  name: BootFileName;
  bytes: Buffer;
  /** Lower-case hex. */
  sha256: string;
  /** For people: the Debian package and its version. */
  origin: string;
}

/**
 * Gets iPXE's builds as components, and reads them: together a megabyte.
 *
 * @throws {SlipwayError} `OFFLINE_MISSING`, `COMPONENT_UNAVAILABLE`; `COMPONENT_CORRUPT` when a file is not what was stored
 */
export async function loadBootFiles(
  options: EnsureOptions,
  context: Context,
): Promise<ReadonlyMap<BootFileName, BootFile>> {
  const refs = bootFileNames.map((name) => refOf(componentOf[name]));
  const components = await ensureComponents(refs, options, context);
  const files = new Map<BootFileName, BootFile>();
  for (const name of bootFileNames) {
    const { path, sha256, provenance } = components.get(componentOf[name])!;
    const bytes = await readFile(path);
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found !== sha256) {
      throw new SlipwayError("COMPONENT_CORRUPT", `${path} is not the file that was stored`, {
        details: { expected: sha256, found },
        hint: "slipway components verify",
      });
    }
    files.set(name, { name, bytes, sha256, origin: provenance.origin });
  }
  return files;
}
