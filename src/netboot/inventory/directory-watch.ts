import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { systemCode } from "../../base/errors.js";
import { isLeftover } from "./inventory-files.js";

/** How often to look where the kernel cannot tell of changes. */
const pollMs = 2000;

/**
 * Tells when something in some directories has changed. Directories, not files: editors put a new file in an old one's
 * place. What has changed it does not say; look again at all of it.
 */
export class DirectoryWatch {
  readonly #watchers = new Map<string, { watcher: FSWatcher; inode: number }>();
  readonly #onChange: () => void;
  #poll: NodeJS.Timeout | undefined;
  #closed = false;
  /** Why the kernel cannot tell of all changes, and they are looked for every two seconds. */
  polling: string | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these directories from now on, those of them that are there. Gives whether one is new. */
  async set(directories: readonly string[]): Promise<boolean> {
    let isNew = false;
    for (const [path, { watcher }] of this.#watchers) {
      if (directories.includes(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of directories) {
      const found = await stat(path).catch(() => undefined);
      const known = this.#watchers.get(path);
      // A directory that was replaced has another inode, and the old watcher sees nothing of it.
      if (known && known.inode === found?.ino) continue;
      known?.watcher.close();
      this.#watchers.delete(path);
      if (!found?.isDirectory() || this.#closed) continue;
      this.#add(path, found.ino);
      isNew = true;
    }
    return isNew;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #add(path: string, inode: number): void {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        if (name === null || !isLeftover(name)) this.#onChange();
      });
      watcher.on("error", (error) => this.#fallBack(error));
      this.#watchers.set(path, { watcher, inode });
    } catch (error) {
      this.#fallBack(error);
    }
  }

  /** The kernel's share of watches is used up (ENOSPC, EMFILE), or the file system knows none. */
  #fallBack(error: unknown): void {
    this.polling = systemCode(error) ?? String(error);
    if (this.#closed) return;
    this.#poll ??= setInterval(this.#onChange, pollMs).unref();
  }
}
