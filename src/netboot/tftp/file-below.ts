import { constants, realpathSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, sep } from "node:path";
import type { OpenedFile, TftpFile } from "./files.js";

/**
 * A file below a directory, as it is now; links inside the directory are followed, what lies outside is not there.
 *
 * Looked up without a turn of the event loop: a handler of packets answers at once, and one look takes microseconds.
 */
export function fileBelow(directory: string, path: string): TftpFile | undefined {
  try {
    const root = realpathSync(directory);
    const real = realpathSync(join(root, path));
    if (!real.startsWith(`${root}${sep}`)) return undefined;
    const stats = statSync(real);
    return stats.isFile() ? { size: stats.size, open: () => openFile(real) } : undefined;
  } catch {
    return undefined; // whatever the reason, it cannot be had
  }
}

async function openFile(path: string): Promise<OpenedFile> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  return {
    async read(offset, length) {
      const bytes = Buffer.alloc(length);
      for (let had = 0; had < length; ) {
        const { bytesRead } = await handle.read(bytes, had, length - had, offset + had);
        if (bytesRead === 0) throw new Error(`${path} became shorter`);
        had += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
