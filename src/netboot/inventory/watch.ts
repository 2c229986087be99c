import { messageOf } from "../../base/errors.js";
import { inSlices } from "../../base/slices.js";
import { assemble, type Loaded } from "./assemble.js";
import { DirectoryWatch } from "./directory-watch.js";
import type { FileRole, InventoryFiles } from "./inventory-files.js";
import { inventoryFiles } from "./load.js";
import { type InventoryProblem, inventoryError, inventoryProblemText, isError } from "./problem.js";
import type { Snapshot } from "./snapshot.js";

/** Told after each reading that found something new: a snapshot that now serves, or why the last good one goes on. */
export type OnLoad = (load: {
  snapshot: Snapshot;
  live: boolean;
  problems: readonly InventoryProblem[];
}) => void;

export interface WatchOptions {
  /** Whether changes on disk go live by themselves. @default true */
  watch?: boolean;
  onLoad?: OnLoad;
  /** How long it must be quiet after a change, in milliseconds: an editor or a checkout makes many at once. @default 100 */
  quietMs?: number;
}

/** A change goes live after this at the latest, in times of the quiet that is waited for. */
const mostQuietTimes = 10;

/**
 * An inventory that is kept up to date. `snapshot` is always the last one that was valid as a whole: take it once for each
 * request, and use no other meanwhile.
 */
export class LiveInventory implements Disposable {
  /** Of the newest reading: warnings of what serves, or why it does not serve. */
  problems: readonly InventoryProblem[];
  readonly files: InventoryFiles;
  #snapshot: Snapshot;
  readonly #onLoad: OnLoad;
  readonly #quietMs: number;
  readonly #watch: DirectoryWatch | undefined;
  /** Readings and writings go one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #firstChangeAt: number | undefined;
  #closed = false;

  private constructor(
    files: InventoryFiles,
    watch: DirectoryWatch | undefined,
    loaded: Loaded & { snapshot: Snapshot },
    options: WatchOptions,
  ) {
    this.files = files;
    this.#snapshot = loaded.snapshot;
    this.problems = loaded.problems;
    this.#onLoad = options.onLoad ?? (() => {});
    this.#quietMs = options.quietMs ?? 100;
    this.#watch = watch;
  }

  /**
   * Reads an inventory, and watches it.
   *
   * @param path a directory with a lab.yaml, matchbox's layout, or both; or a lab.yaml alone
   * @throws {SlipwayError} `CONFIG_INVALID` when it is not valid
   */
  static async open(path: string, options: WatchOptions = {}): Promise<LiveInventory> {
    const files = await inventoryFiles(path);
    let live: LiveInventory | undefined;
    const watch =
      options.watch === false
        ? undefined
        : new DirectoryWatch(() => {
            if (live) live.#changed();
          });
    await refresh(files, watch);
    const { snapshot, problems } = await inSlices(assemble(files));
    if (!snapshot) {
      watch?.close();
      throw inventoryError(problems, files.path);
    }
    live = new LiveInventory(files, watch, { snapshot, problems }, options);
    return live;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Reads what has changed on disk. It goes live if the whole of it is valid; otherwise the last good one goes on. */
  reload(): Promise<Loaded> {
    return this.#inTurn(async () => {
      await refresh(this.files, this.#watch);
      const loaded = await inSlices(assemble(this.files));
      this.#take(loaded);
      return loaded;
    });
  }

  /**
   * Changes one file: first the whole is tried with it, then `write` makes it lasting, then it goes live.
   *
   * @param contents undefined takes the file away
   * @throws {SlipwayError} `CONFIG_INVALID` when the whole would not be valid; nothing is written
   */
  change(
    path: string,
    role: FileRole,
    contents: Buffer | undefined,
    write: () => Promise<void>,
  ): Promise<Snapshot> {
    return this.#inTurn(async () => {
      const before = this.files.set(path, role, contents);
      try {
        const loaded = await inSlices(assemble(this.files));
        if (!loaded.snapshot) throw inventoryError(loaded.problems, this.files.path);
        await write();
        await this.files.stamp(path);
        this.#take(loaded);
        return this.#snapshot;
      } catch (error) {
        this.files.restore(path, before);
        throw error;
      }
    });
  }

  /** Ends the watching; what was read stays. */
  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch?.close();
  }

  #take({ snapshot, problems }: Loaded): void {
    const polling = this.#watch?.polling;
    const all = polling === undefined ? problems : [...problems, pollingProblem(polling)];
    const isNews = snapshot
      ? snapshot.digest !== this.#snapshot.digest || this.problems.some(isError)
      : texts(problems) !== texts(this.problems.filter(isError));
    if (snapshot && snapshot.digest !== this.#snapshot.digest) this.#snapshot = snapshot;
    this.problems = all;
    if (isNews) this.#onLoad({ snapshot: this.#snapshot, live: snapshot !== undefined, problems: all });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {}); // whoever asked is told
    return turn;
  }

  #changed(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#firstChangeAt ??= now;
    const left = this.#firstChangeAt + mostQuietTimes * this.#quietMs - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reloadQuietly(), Math.max(0, Math.min(this.#quietMs, left))).unref();
  }

  #reloadQuietly(): void {
    this.#firstChangeAt = undefined;
    if (this.#closed) return;
    this.reload().catch((error: unknown) => {
      // The directory itself cannot be read; what serves goes on.
      const problem: InventoryProblem = {
        severity: "error",
        check: "unreadable",
        place: { file: "." },
        path: "",
        message: messageOf(error),
      };
      this.#take({ problems: [problem] });
    });
  }
}

/** Watches before it reads, so that no change is missed. */
async function refresh(files: InventoryFiles, watch: DirectoryWatch | undefined): Promise<void> {
  await watch?.set(files.watched());
  do await files.refresh();
  while (await watch?.set(files.watched()));
}

const texts = (problems: readonly InventoryProblem[]): string =>
  problems.filter(isError).map(inventoryProblemText).join("\n");

const pollingProblem = (reason: string): InventoryProblem => ({
  severity: "warning",
  check: "watch",
  place: { file: "." },
  path: "",
  message: `changes are looked for every two seconds, since the kernel does not tell of them (${reason}); see fs.inotify.max_user_watches`,
});
