import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { type Owner, writeError, writeFileAtomic } from "../../base/files.js";

/** A line of the file: a record's value, or that there is none any more. */
interface Line<T> {
  key: string;
  value?: T;
}

/** Records by key; see `RecordLog`. */
export interface Records<T> {
  get(key: string): T | undefined;
  entries(): IterableIterator<[string, T]>;
  set(key: string, value: T): void;
  delete(key: string): void;
  durable(): Promise<void>;
  close(): Promise<void>;
}

/** Records that are gone with the process. */
export class MemoryRecords<T> implements Records<T> {
  readonly #records = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#records.get(key);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#records.entries();
  }

  set(key: string, value: T): void {
    this.#records.set(key, value);
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  async durable(): Promise<void> {}

  async close(): Promise<void> {}
}

export interface RecordLogOptions {
  owner?: Owner | undefined;
  /** The file is written anew, with what is there, when so many more lines are in it than records. @default 2000 */
  spareLines?: number;
}

/**
 * Records by key, in memory and in a file of NDJSON that is only ever appended to. What is set while the disk is busy
 * goes to it together, in one write and one fdatasync. After a kill the file holds all that was durable; a torn end is
 * cut off.
 */
export class RecordLog<T> implements Records<T> {
  readonly #path: string;
  readonly #owner: Owner | undefined;
  readonly #spareLines: number;
  readonly #records: Map<string, T>;
  #handle: FileHandle;
  /** What of the file is good. */
  #sizeBytes: number;
  #lines: number;
  /** Keys that the file does not have as memory has them. */
  readonly #dirty = new Set<string>();
  /** How many changes there were, and how many of them are on the disk. */
  #changes = 0;
  #durableChanges = 0;
  #writing: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle, read: ReadLog<T>, options: RecordLogOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#records = read.records;
    this.#sizeBytes = read.sizeBytes;
    this.#lines = read.lines;
    this.#owner = options.owner;
    this.#spareLines = options.spareLines ?? 2000;
  }

  /** @throws {SlipwayError} `STATE_CORRUPT` when a line before the end is not readable; `STATE_WRITE_FAILED` */
  static async open<T>(path: string, options: RecordLogOptions = {}): Promise<RecordLog<T>> {
    const read = await readLog<T>(path);
    try {
      const handle = await openForWriting(path, options.owner);
      await handle.truncate(read.sizeBytes);
      return new RecordLog(path, handle, read, options);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  get(key: string): T | undefined {
    return this.#records.get(key);
  }

  get size(): number {
    return this.#records.size;
  }

  entries(): IterableIterator<[string, T]> {
    return this.#records.entries();
  }

  /** Takes effect at once; is on the disk when `durable` has come back. */
  set(key: string, value: T): void {
    this.#records.set(key, value);
    this.#changed(key);
  }

  delete(key: string): void {
    if (this.#records.delete(key)) this.#changed(key);
  }

  #changed(key: string): void {
    this.#dirty.add(key);
    this.#changes++;
  }

  /** Comes back when all that was set before is on the disk. @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED` */
  async durable(): Promise<void> {
    const wanted = this.#changes;
    // A write that goes on may have begun before the last change; whoever sees it end first begins the next.
    while (this.#durableChanges < wanted) {
      const before = this.#writing;
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      if (before) await before.catch(() => {});
      else await this.#writing;
    }
  }

  async close(): Promise<void> {
    try {
      await this.durable();
    } finally {
      await this.#handle.close();
    }
  }

  async #write(): Promise<void> {
    const keys = [...this.#dirty];
    const changes = this.#changes;
    this.#dirty.clear();
    try {
      if (this.#lines + keys.length > this.#records.size + this.#spareLines) await this.#rewrite();
      else await this.#append(keys);
      this.#durableChanges = changes;
    } catch (error) {
      for (const key of keys) this.#dirty.add(key);
      throw writeError(this.#path, error);
    }
  }

  async #append(keys: readonly string[]): Promise<void> {
    const text = Buffer.from(keys.map((key) => lineOf(key, this.#records.get(key))).join(""));
    // At its place, not at the end: half a line that a full disk left is written over.
    let written = 0;
    while (written < text.length) {
      const { bytesWritten } = await this.#handle.write(
        text,
        written,
        text.length - written,
        this.#sizeBytes + written,
      );
      written += bytesWritten;
    }
    await this.#handle.truncate(this.#sizeBytes + text.length);
    await this.#handle.datasync();
    this.#sizeBytes += text.length;
    this.#lines += keys.length;
  }

  async #rewrite(): Promise<void> {
    const lines = [...this.#records].map(([key, value]) => lineOf(key, value));
    const text = Buffer.from(lines.join(""));
    await writeFileAtomic(this.#path, text, { mode: 0o600, ...this.#owner });
    const handle = await openForWriting(this.#path, this.#owner);
    await this.#handle.close();
    this.#handle = handle;
    this.#sizeBytes = text.length;
    this.#lines = lines.length;
  }
}

interface ReadLog<T> {
  records: Map<string, T>;
  lines: number;
  /** Up to the end of the last whole line. */
  sizeBytes: number;
}

/**
 * Reads a record log that may be in use; what is half-written at its end is not there yet.
 *
 * @throws {SlipwayError} `STATE_CORRUPT` when a line before the end is not readable
 */
export async function readRecords<T>(path: string): Promise<Map<string, T>> {
  return (await readLog<T>(path)).records;
}

async function readLog<T>(path: string): Promise<ReadLog<T>> {
  const bytes = await readIfPresent(path);
  const records = new Map<string, T>();
  let at = 0;
  let lines = 0;
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, at)) {
    const line = parseLine<T>(bytes.toString("utf8", at, end));
    if (line === undefined) {
      // After a power cut the end may be anything. What was durable is before it, whole.
      if (!hasReadableLine(bytes.toString("utf8", end + 1))) break;
      throw new SlipwayError(
        "STATE_CORRUPT",
        `${path}:${lines + 1} is not readable: it was damaged or edited`,
        {
          hint: "mend that line, or remove it: the machine that it is about is then one that was never seen",
        },
      );
    }
    if (line.value === undefined) records.delete(line.key);
    else records.set(line.key, line.value);
    lines += 1;
    at = end + 1;
  }
  return { records, lines, sizeBytes: at };
}

const newline = 0x0a;

async function readIfPresent(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

const hasReadableLine = (text: string): boolean =>
  text.split("\n").some((line) => line !== "" && parseLine(line) !== undefined);

function parseLine<T>(text: string): Line<T> | undefined {
  try {
    const line = JSON.parse(text) as unknown;
    return typeof line === "object" && line !== null && "key" in line && typeof line.key === "string"
      ? (line as Line<T>)
      : undefined;
  } catch {
    return undefined;
  }
}

const lineOf = (key: string, value: unknown): string => `${JSON.stringify({ key, value })}\n`;

async function openForWriting(path: string, owner: Owner | undefined): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (owner) await handle.chown(owner.uid, owner.gid);
  return handle;
}
