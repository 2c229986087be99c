import type { Snapshot } from "../inventory/snapshot.js";
import { fileBelow } from "../tftp/file-below.js";
import { type TftpFiles, tftpFiles } from "../tftp/files.js";

/** The files that firmware can load first. */
export interface ServedFiles {
  /** Over TFTP: the lab's own boot files, iPXE's builds, what is in the TFTP directory; in this order. */
  tftp: TftpFiles;
  /** Those that firmware is sent to, by name, over TFTP and HTTP. */
  boot: Pick<ReadonlySet<string>, "has">;
}

/** @param builds of iPXE, by name */
export function servedFiles(
  { ownBootFiles, tftp }: Snapshot,
  builds: ReadonlyMap<string, Buffer>,
): ServedFiles {
  const inMemory = tftpFiles(builds);
  const own = (name: string) => {
    const named = ownBootFiles.get(name);
    return named && fileBelow(named.directory, named.path);
  };
  return {
    tftp: {
      get: (name) =>
        own(name) ?? inMemory.get(name) ?? (tftp === undefined ? undefined : fileBelow(tftp, name)),
    },
    boot: { has: (name) => (ownBootFiles.has(name) ? own(name) !== undefined : builds.has(name)) },
  };
}
