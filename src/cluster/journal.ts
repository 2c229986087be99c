import { open, readFile } from "node:fs/promises";
import { systemCode } from "../base/errors.js";
import { type Owner, writeError } from "../base/files.js";

/** One line of a profile's journal: a point in an operation that was reached. */
export interface JournalEntry {
  at: string;
  /** `start`, `stop`, `delete` … */
  operation: string;
  /** Id of the run: the entries of one run belong together. */
  run: string;
  /** The step's id; `-` for the operation as a whole. */
  step: string;
  point: "begin" | "done" | "failed";
  detail?: string;
}

/**
 * Which points were reached, on disk before anybody goes on. NDJSON, appended with fsync; a line torn by a crash is a point
 * that was not reached.
 */
export class Journal {
  readonly #path: string;
  readonly #owner: Owner | undefined;

  constructor(path: string, owner?: Owner) {
    this.#path = path;
    this.#owner = owner;
  }

  async append(entry: JournalEntry): Promise<void> {
    try {
      const handle = await open(this.#path, "a", 0o600);
      try {
        if (this.#owner) await handle.chown(this.#owner.uid, this.#owner.gid);
        // A torn last line must not swallow this one.
        await handle.writeFile(`${(await endsTorn(this.#path)) ? "\n" : ""}${JSON.stringify(entry)}\n`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  async read(): Promise<JournalEntry[]> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    }
    return text.split("\n").flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as JournalEntry];
      } catch {
        return [];
      }
    });
  }

  /** How the last run ended; `killed`: without a word. */
  async lastRun(): Promise<
    { operation: string; step: string; outcome: "done" | "failed" | "killed" } | undefined
  > {
    const entries = await this.read();
    const last = entries.at(-1);
    if (!last) return undefined;
    const ofRun = entries.filter(({ run }) => run === last.run);
    const step = ofRun.findLast((entry) => entry.step !== "-")?.step ?? "-";
    const outcome = last.step === "-" && last.point !== "begin" ? last.point : "killed";
    return { operation: last.operation, step, outcome };
  }
}

async function endsTorn(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    if (size === 0) return false;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== 0x0a;
  } finally {
    await handle.close();
  }
}
