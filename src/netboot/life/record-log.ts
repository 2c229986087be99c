import { readFile } from "node:fs/promises";
import { AppendLog } from "../../base/append-log.js";
import { SlipwayError, systemCode } from "../../base/errors.js";
import type { Owner } from "../../base/files.js";

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
 * Records by key, in memory and in a file of NDJSON; see `AppendLog`. What is set while the disk is busy goes to it
 * together, a key's last value only. After a kill the file holds all that was durable; a torn end is not gone on from.
 */
export class RecordLog<T> implements Records<T> {
  readonly #records: Map<string, T>;
  /** Keys that the log has not taken as memory has them. */
  readonly #dirty: Set<string>;
  readonly #log: AppendLog;

  private constructor(records: Map<string, T>, dirty: Set<string>, log: AppendLog) {
    this.#records = records;
    this.#dirty = dirty;
    this.#log = log;
  }

  /** @throws {SlipwayError} `STATE_CORRUPT` when a line before the end is not readable; `STATE_WRITE_FAILED` */
  static async open<T>(
    path: string,
    { owner, spareLines = 2000 }: RecordLogOptions = {},
  ): Promise<RecordLog<T>> {
    const { records, lines, whole } = await readLog<T>(path);
    const dirty = new Set<string>();
    const log = await AppendLog.open(path, {
      owner,
      lines,
      whole,
      count: records.size,
      take: () => {
        const taken = Array.from(dirty, (key) => lineOf(key, records.get(key)));
        dirty.clear();
        return taken;
      },
      all: () => Array.from(records, ([key, value]) => lineOf(key, value)),
      maxLines: () => records.size + spareLines,
    });
    return new RecordLog(records, dirty, log);
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
    this.#dirty.add(key);
  }

  delete(key: string): void {
    if (this.#records.delete(key)) this.#dirty.add(key);
  }

  /** Comes back when all that was set before is on the disk. @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED` */
  async durable(): Promise<void> {
    if (this.#dirty.size === 0 && this.#log.settled) return;
    await new Promise<void>((resolve, reject) =>
      this.#log.commit((error) => (error ? reject(error) : resolve())),
    );
  }

  async close(): Promise<void> {
    try {
      await this.durable();
    } finally {
      await this.#log.close();
    }
  }
}

interface ReadLog<T> {
  records: Map<string, T>;
  lines: number;
  /** Whether the file ends with the last line that is readable. */
  whole: boolean;
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
  return { records, lines, whole: at === bytes.length };
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
