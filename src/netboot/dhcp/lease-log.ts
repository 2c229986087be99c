import { constants } from "node:fs";
import { copyFile, type FileHandle, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { systemCode } from "../../base/errors.js";
import { makeDirectory, type Owner, syncDirectory, writeError, writeFileAtomic } from "../../base/files.js";
import type { Lease, LeaseChange } from "./leases.js";

/** The leases that a file leads to. */
export interface ReadLeases {
  /** By address. */
  leases: Map<string, Lease>;
  lines: number;
  /** Lines that are not as they were written. */
  damaged: number;
  /** It ends in half a line, as after a kill: nobody was told of what was to stand there. */
  torn: boolean;
}

export interface LeaseLogOptions {
  owner?: Owner | undefined;
  /** All leases that count now, for writing the file anew. */
  leases: () => Iterable<Lease>;
  /** The file is written anew when it has so many lines more than four times its leases. @default 20000 */
  spareLines?: number | undefined;
}

/** Called when a change is on disk, or with why it could not be put there. */
export type Done = (error?: Error) => void;

/**
 * The file that leases survive in: a line for each change, `<CRC-32 in hex> <JSON>`, only ever appended to, and written
 * anew when most of it is history. What comes while the disk is busy goes to it together: one write for all of it, which
 * comes back when the disk has it (O_DSYNC, as fdatasync).
 */
export class LeaseLog {
  readonly #path: string;
  readonly #options: LeaseLogOptions;
  #handle: FileHandle;
  #lines: number;
  #maxLines: number;
  #text: string[] = [];
  #waiting: Done[] = [];
  #writing: Promise<void> | undefined;
  /** The file's end may be half a line: it has to be written anew. */
  #broken: boolean;

  private constructor(path: string, handle: FileHandle, read: ReadLeases, options: LeaseLogOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#options = options;
    this.#lines = read.lines;
    this.#maxLines = this.#allowed(read.leases.size);
    this.#broken = read.torn || read.damaged > 0;
  }

  /**
   * Goes on with the file that was read. A damaged one is first copied to `<path>.damaged`.
   *
   * @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED`
   */
  static async open(path: string, read: ReadLeases, options: LeaseLogOptions): Promise<LeaseLog> {
    try {
      if (read.damaged > 0) await copyFile(path, `${path}.damaged`);
      const handle = await openToAppend(path, options.owner);
      await syncDirectory(dirname(path));
      return new LeaseLog(path, handle, read, options);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Changes that wait for the disk. */
  get pending(): number {
    return this.#waiting.length;
  }

  append(change: LeaseChange, done: Done): void {
    this.#text.push(lineOf(change));
    this.#waiting.push(done);
    this.#writing ??= this.#writeAll();
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#handle.close();
  }

  async #writeAll(): Promise<void> {
    // What comes in the same turn of the event loop shall come along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const [text, waiting] = [this.#text, this.#waiting];
      [this.#text, this.#waiting] = [[], []];
      const error = await this.#write(text).then(
        () => undefined,
        (cause: unknown) => writeError(this.#path, cause),
      );
      for (const done of waiting) done(error);
    }
    this.#writing = undefined;
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (this.#broken || this.#lines + lines.length > this.#maxLines) return this.#rewrite();
    const bytes = Buffer.from(lines.join(""));
    this.#broken = true;
    for (let written = 0; written < bytes.length; ) {
      written += (await this.#handle.write(bytes, written)).bytesWritten;
    }
    this.#broken = false;
    this.#lines += lines.length;
  }

  /** The leases in memory have the changes that wait already, so a new file has them too. */
  async #rewrite(): Promise<void> {
    const lines = Array.from(this.#options.leases(), (lease) => lineOf({ type: "set", lease }));
    this.#broken = true;
    await writeFileAtomic(this.#path, lines.join(""), { mode: 0o600, ...this.#options.owner });
    const handle = await openToAppend(this.#path, this.#options.owner);
    await this.#handle.close();
    this.#handle = handle;
    this.#broken = false;
    this.#lines = lines.length;
    this.#maxLines = this.#allowed(lines.length);
  }

  #allowed(leases: number): number {
    return 4 * leases + (this.#options.spareLines ?? 20_000);
  }
}

async function openToAppend(path: string, owner: Owner | undefined): Promise<FileHandle> {
  await makeDirectory(dirname(path), { owner });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC;
  const handle = await open(path, flags, 0o600);
  if (owner) await handle.chown(owner.uid, owner.gid);
  return handle;
}

function lineOf(change: LeaseChange): string {
  const json = JSON.stringify(
    change.type === "set" ? change.lease : { address: change.address, removed: true },
  );
  return `${checksum(json)} ${json}\n`;
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

/** Reads a lease file, which may be in use. No file: no leases. */
export async function readLeases(path: string): Promise<ReadLeases> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  });
  const leases = new Map<string, Lease>();
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  let damaged = 0;
  for (const line of lines) {
    const change = parseLine(line);
    if (change?.type === "set") leases.set(change.lease.address, change.lease);
    else if (change) leases.delete(change.address);
    else damaged += 1;
  }
  return { leases, lines: lines.length, damaged, torn };
}

function parseLine(line: string): LeaseChange | undefined {
  const json = line.slice(9);
  if (line[8] !== " " || line.slice(0, 8) !== checksum(json)) return undefined;
  const value = JSON.parse(json) as Lease | { address: string; removed: true };
  return "removed" in value ? { type: "remove", address: value.address } : { type: "set", lease: value };
}
