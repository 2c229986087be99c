import { type FileHandle, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../base/errors.js";
import { makeDirectory, type Owner } from "../../base/files.js";
import type { Observation } from "../observation.js";

export interface ObservationFilesOptions {
  owner?: Owner | undefined;
  /** A file that is as large is closed, and a new one begun. @default 8 MiB */
  maxFileBytes?: number;
  /** So many are kept. @default 8 */
  maxFiles?: number;
  /** What is written at once is what came in that time. @default 200 */
  batchMs?: number;
  /** Lines that wait at most, while the disk is slow; the oldest go first. @default 20,000 */
  maxWaiting?: number;
}

const fileName = /^observations-(\d{8})\.ndjson$/;
const nameOf = (number: number): string => `observations-${String(number).padStart(8, "0")}.ndjson`;

/**
 * Observations on the disk: NDJSON, in files of a bounded size and number, written in batches and without fsync: after a
 * crash of this program all but the last batch is there, and nothing waits for the disk.
 */
export class ObservationFiles {
  readonly #directory: string;
  readonly #options: ObservationFilesOptions;
  #number: number;
  #handle: FileHandle;
  #sizeBytes: number;
  #waiting: string[] = [];
  /** How many were not written: the disk was full, or too slow. */
  lost = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    options: ObservationFilesOptions,
    file: { number: number; handle: FileHandle; sizeBytes: number },
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#number = file.number;
    this.#handle = file.handle;
    this.#sizeBytes = file.sizeBytes;
  }

  /** @throws {SlipwayError} `STATE_WRITE_FAILED` */
  static async open(directory: string, options: ObservationFilesOptions = {}): Promise<ObservationFiles> {
    await makeDirectory(directory, { mode: 0o700, owner: options.owner });
    const number = (await numbersIn(directory)).at(-1) ?? 1;
    const handle = await openFile(directory, number, options.owner);
    const { size } = await handle.stat();
    // The end may be torn: what follows begins a line of its own.
    if (size > 0) await handle.write("\n");
    return new ObservationFiles(directory, options, { number, handle, sizeBytes: size });
  }

  add(observation: Observation): void {
    this.#waiting.push(`${JSON.stringify(observation)}\n`);
    if (this.#waiting.length > (this.#options.maxWaiting ?? 20_000)) {
      this.#waiting.shift();
      this.lost += 1;
    }
    this.#timer ??= setTimeout(() => this.#begin(), this.#options.batchMs ?? 200).unref();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    this.#begin();
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle.close();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    try {
      const text = Buffer.from(lines.join(""));
      await this.#handle.write(text);
      this.#sizeBytes += text.length;
      if (this.#sizeBytes >= (this.#options.maxFileBytes ?? 8 * 1024 * 1024)) await this.#next();
    } catch {
      // A boot server goes on without its memoirs.
      this.lost += lines.length;
    }
  }

  async #next(): Promise<void> {
    const handle = await openFile(this.#directory, this.#number + 1, this.#options.owner);
    await this.#handle.close();
    this.#handle = handle;
    this.#number += 1;
    this.#sizeBytes = 0;
    const old = (await numbersIn(this.#directory)).slice(0, -(this.#options.maxFiles ?? 8));
    for (const number of old) await rm(join(this.#directory, nameOf(number)), { force: true });
  }
}

/** All that was written down, the oldest first. Lines that a crash tore are left out. The server may be running. */
export async function readObservations(directory: string): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (const number of await numbersIn(directory)) {
    const text = await readFile(join(directory, nameOf(number)), "utf8").catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return ""; // rotated away meanwhile
      throw error;
    });
    for (const line of text.split("\n")) {
      const observation = line === "" ? undefined : parsed(line);
      if (observation) observations.push(observation);
    }
  }
  return observations;
}

function parsed(line: string): Observation | undefined {
  try {
    const value = JSON.parse(line) as Partial<Observation> | null;
    return typeof value?.time === "string" && value.details !== undefined
      ? (value as Observation)
      : undefined;
  } catch {
    return undefined;
  }
}

async function numbersIn(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name) => fileName.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function openFile(directory: string, number: number, owner: Owner | undefined): Promise<FileHandle> {
  const handle = await open(join(directory, nameOf(number)), "a", 0o600);
  if (owner) await handle.chown(owner.uid, owner.gid);
  return handle;
}
