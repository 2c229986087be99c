import { SlipwayError } from "../../base/errors.js";

/** A file that is read piece by piece, for what is too big to be held in memory. */
export interface OpenedFile {
  /** Exactly these bytes. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export type TftpFile = Buffer | { size: number; open(): Promise<OpenedFile> };

/** What may be fetched, by name: nothing else exists. */
export type TftpFiles = Pick<ReadonlyMap<string, TftpFile>, "get">;

/**
 * An allow-list; names as firmware may write them, `/ipxe.efi` or `EFI\boot.efi`.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` for a name that nobody could ask for, or two that are the same.
 */
export function tftpFiles(files: Iterable<readonly [string, TftpFile]>): TftpFiles {
  const byName = new Map<string, TftpFile>();
  for (const [written, file] of files) {
    const name = normalName(written);
    if (name === undefined || byName.has(name)) {
      const why = name === undefined ? "cannot be the name of a file" : `is the same file as "${name}"`;
      throw new SlipwayError("CONFIG_INVALID", `over TFTP "${written}" ${why}`, {
        hint: "give each file a name of its own, without ..",
      });
    }
    byName.set(name, file);
  }
  return byName;
}

/**
 * The one spelling of a name: no leading or double slashes, no `.`, slashes for backslashes; without the bytes 0xFF that
 * firmware leaves behind a name that its DHCP option did not end.
 *
 * @returns undefined for an empty name, and for one with `..`
 */
export function normalName(name: string): string | undefined {
  const parts = name
    .replace(/\uFFFD+$/, "")
    .split(/[/\\]/)
    .filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}
