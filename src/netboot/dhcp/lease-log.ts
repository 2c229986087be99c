import { copyFile, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { AppendLog, type Done } from "../../base/append-log.js";
import { systemCode } from "../../base/errors.js";
import { type Owner, writeError } from "../../base/files.js";
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

/**
 * The file that leases survive in: a line for each change, `<CRC-32 in hex> <JSON>`; see `AppendLog`. A new file is written
 * from the leases in memory, which have the changes that wait already.
 */
export class LeaseLog {
  readonly #log: AppendLog;
  /** Those that the log has not taken yet. */
  readonly #waiting: string[];

  private constructor(log: AppendLog, waiting: string[]) {
    this.#log = log;
    this.#waiting = waiting;
  }

  /**
   * Goes on with the file that was read. A damaged one is first copied to `<path>.damaged`.
   *
   * @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED`
   */
  static async open(
    path: string,
    { leases: { size: count }, lines, damaged, torn }: ReadLeases,
    { owner, leases, spareLines = 20_000 }: LeaseLogOptions,
  ): Promise<LeaseLog> {
    if (damaged > 0) {
      await copyFile(path, `${path}.damaged`).catch((error: unknown) => {
        throw writeError(path, error);
      });
    }
    const waiting: string[] = [];
    const log = await AppendLog.open(path, {
      owner,
      lines,
      count,
      whole: !torn && damaged === 0,
      take: () => waiting.splice(0),
      all: () => Array.from(leases(), (lease) => lineOf({ type: "set", lease })),
      maxLines: (counted) => 4 * counted + spareLines,
    });
    return new LeaseLog(log, waiting);
  }

  /** Changes that wait for the disk. */
  get pending(): number {
    return this.#log.pending;
  }

  append(change: LeaseChange, done: Done): void {
    this.#waiting.push(lineOf(change));
    this.#log.commit(done);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
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
