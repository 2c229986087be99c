import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectory, type Owner, syncDirectory, writeError, writeFileAtomic } from "./files.js";

/** Called when what waited is on disk, or with why it could not be put there. */
export type Done = (error?: Error) => void;

export interface AppendLogOptions {
  owner?: Owner | undefined;
  /** How many lines the file has. */
  lines: number;
  /** Whether each of them is whole, the last one too; else the file is written anew before anything is added. */
  whole: boolean;
  /** The lines that wait to be added, which are gone from there with that. Each ends in a newline. */
  take: () => readonly string[];
  /** All lines that count now, also those that were taken: for writing the file anew. */
  all: () => Iterable<string>;
  /** With more lines than this the file is written anew. @param count those that counted when it was written last */
  maxLines: (count: number) => number;
  /** Of the lines in the file so many count. */
  count: number;
}

/**
 * A file of lines that is only ever appended to, and written anew when most of it is history. What comes while the disk
 * is busy goes to it together: one write for all of it, which comes back when the disk has it (O_DSYNC, as fdatasync).
 */
export class AppendLog {
  readonly #path: string;
  readonly #options: AppendLogOptions;
  #handle: FileHandle;
  #lines: number;
  #count: number;
  #waiting: Done[] = [];
  #writing: Promise<void> | undefined;
  /** The file's end may be half a line, or lack lines that were taken. */
  #broken: boolean;

  private constructor(path: string, handle: FileHandle, options: AppendLogOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#options = options;
    this.#lines = options.lines;
    this.#count = options.count;
    this.#broken = !options.whole;
  }

  /** Makes the file when there is none, for its owner alone. @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED` */
  static async open(path: string, options: AppendLogOptions): Promise<AppendLog> {
    try {
      const handle = await openToAppend(path, options.owner);
      await syncDirectory(dirname(path));
      return new AppendLog(path, handle, options);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** How many wait for a write that has not begun. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Whether all that was ever taken is on disk. */
  get settled(): boolean {
    return !this.#writing && !this.#broken;
  }

  /** @param done called when all lines that wait now are on disk; `DISK_FULL`, `STATE_WRITE_FAILED` if they cannot be */
  commit(done: Done): void {
    this.#waiting.push(done);
    this.#writing ??= this.#writeAll();
  }

  /** Comes back when all is written. */
  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#handle.close();
  }

  async #writeAll(): Promise<void> {
    // What comes in the same turn of the event loop shall come along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      const error = await this.#write(this.#options.take()).then(
        () => undefined,
        (cause: unknown) => writeError(this.#path, cause),
      );
      for (const done of waiting) done(error);
    }
    this.#writing = undefined;
  }

  async #write(lines: readonly string[]): Promise<void> {
    const { maxLines } = this.#options;
    if (this.#broken || this.#lines + lines.length > maxLines(this.#count)) return this.#rewrite();
    const bytes = Buffer.from(lines.join(""));
    this.#broken = true;
    for (let written = 0; written < bytes.length; ) {
      written += (await this.#handle.write(bytes, written)).bytesWritten;
    }
    this.#broken = false;
    this.#lines += lines.length;
  }

  async #rewrite(): Promise<void> {
    const lines = [...this.#options.all()];
    this.#broken = true;
    await writeFileAtomic(this.#path, lines.join(""), { mode: 0o600, ...this.#options.owner });
    const handle = await openToAppend(this.#path, this.#options.owner);
    await this.#handle.close();
    this.#handle = handle;
    this.#broken = false;
    this.#lines = lines.length;
    this.#count = lines.length;
  }
}

async function openToAppend(path: string, owner: Owner | undefined): Promise<FileHandle> {
  await makeDirectory(dirname(path), { owner });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC;
  const handle = await open(path, flags, 0o600);
  if (owner) await handle.chown(owner.uid, owner.gid);
  return handle;
}
