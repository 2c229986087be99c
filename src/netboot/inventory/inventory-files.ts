import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { messageOf, systemCode } from "../../base/errors.js";
import { allAtOnce, inSlices, type Slices } from "../../base/slices.js";
import { bytesToText } from "../template/byte-text.js";
import { isRawIgnition, parseConfigText, type TextKind, textKinds } from "./config-text.js";
import { type Lab, parseLabInSlices, tftpDirectory } from "./lab.js";
import { parseGroup, parseProfile } from "./matchbox-files.js";
import type { InventoryProblem } from "./problem.js";
import type { ConfigText } from "./snapshot.js";
import type { BootProfile, Group } from "./types.js";

/** What of an inventory a file holds. */
export type FileRole =
  | { kind: "lab" }
  | { kind: "group" | "profile"; id: string }
  | { kind: TextKind; name: string };

/** A file as it was read. */
export interface ReadFile {
  role: FileRole;
  /** SHA-256, base64, of its bytes. */
  digest: string;
  /** What it says; undefined when it has errors. */
  lab?: Lab;
  group?: Group;
  profile?: BootProfile;
  text?: ConfigText;
  problems: readonly InventoryProblem[];
  /** Undefined: so fresh that it may change without another time stamp. */
  stamp: Stamp | undefined;
}

interface Stamp {
  modifiedMs: number;
  sizeBytes: number;
  inode: number;
}

export const labFileName = "lab.yaml";

const folders = ["groups", "profiles", ...textKinds] as const;

/** Files that are open at once. */
const parallelReads = 64;
/** The kernel stamps files by a clock that ticks; two writes within a tick look the same. */
const stampTickMs = 50;
/** Deeper than anybody nests configurations, so that a link to a folder above ends. */
const maxDepth = 8;

const noProblems: readonly InventoryProblem[] = [];

/**
 * The files of one inventory: a directory with a lab.yaml, matchbox's layout, or both; or a lab.yaml alone. Keeps what
 * it read, and reads only what has changed. Paths and places are relative to the directory.
 */
export class InventoryFiles {
  readonly directory: string;
  /** By path, sorted. */
  readonly files = new Map<string, ReadFile>();
  /** Directory behind `/assets/` when no lab.yaml names another. */
  assets: string | undefined;
  /** Directory of files for TFTP when no lab.yaml names another. */
  tftp: string | undefined;
  /** What is wrong with the directory itself. */
  problems: InventoryProblem[] = [];
  /** Of the lab.yaml. */
  readonly labName: string;
  /** One file, and those that it names. */
  readonly labOnly: boolean;

  /** What names it on a command line. */
  get path(): string {
    return this.labOnly ? join(this.directory, this.labName) : this.directory;
  }

  /** @param labName given: that file alone, and those that it names */
  constructor(directory: string, labName?: string) {
    this.directory = directory;
    this.labName = labName ?? labFileName;
    this.labOnly = labName !== undefined;
  }

  /** Reads what is new or has changed, forgets what is gone. */
  async refresh(): Promise<void> {
    this.problems = [];
    const listed = new Map<string, FileRole>([[this.labName, { kind: "lab" }]]);
    if (!this.labOnly) {
      for (const folder of folders) await this.#list(folder, folder, listed);
    }
    await this.#readAll(listed);
    const named = new Map<string, FileRole>();
    for (const text of this.lab?.texts ?? []) {
      if ("file" in text && !listed.has(text.file))
        named.set(text.file, { kind: text.kind, name: text.name });
    }
    await this.#readAll(named);
    for (const path of this.files.keys()) {
      if (!listed.has(path) && !named.has(path)) this.files.delete(path);
    }
    this.assets = this.labOnly ? undefined : await this.#directoryIfPresent("assets");
    this.tftp = this.labOnly ? undefined : await this.#directoryIfPresent(tftpDirectory);
    // Matchbox begins with empty folders, which its API fills.
    if (this.files.size === 0 && (this.labOnly || !(await this.#hasFolder()))) {
      this.#report("empty", "", `holds neither ${this.labName} nor ${folders.join("/, ")}/`);
    }
  }

  async #hasFolder(): Promise<boolean> {
    for (const folder of folders) if ((await this.#directoryIfPresent(folder)) !== undefined) return true;
    return false;
  }

  get lab(): Lab | undefined {
    return this.files.get(this.labName)?.lab;
  }

  /** Takes a file as it would be read with these contents; undefined takes it away. Gives back what was there. */
  set(path: string, role: FileRole, contents: Buffer | undefined): ReadFile | undefined {
    const before = this.files.get(path);
    if (contents === undefined) this.files.delete(path);
    else this.files.set(path, allAtOnce(parseFile(this.directory, path, role, contents, undefined)));
    return before;
  }

  /** Puts back what `set` gave. */
  restore(path: string, file: ReadFile | undefined): void {
    if (file === undefined) this.files.delete(path);
    else this.files.set(path, file);
  }

  /** Says that a file on disk is what `set` took. */
  async stamp(path: string): Promise<void> {
    const file = this.files.get(path);
    if (file) file.stamp = await this.#stampOf(path);
  }

  /** Directories in which a change may concern the inventory, absolute. Some may not be there. */
  watched(): string[] {
    const paths = new Set(["."]);
    if (!this.labOnly) for (const folder of folders) paths.add(folder);
    for (const [path, { lab }] of this.files) {
      const slash = path.lastIndexOf("/");
      if (slash > 0) paths.add(path.slice(0, slash));
      for (const text of lab?.texts ?? []) if ("file" in text) paths.add(posix.dirname(text.file));
    }
    return [...paths].map((path) => join(this.directory, path));
  }

  async #list(
    top: (typeof folders)[number],
    folder: string,
    found: Map<string, FileRole>,
    depth = 0,
  ): Promise<void> {
    const entries = await readdir(join(this.directory, folder), { withFileTypes: true }).catch((error) => {
      if (systemCode(error) === "ENOENT") return [];
      this.#report("unreadable", folder, `cannot be listed: ${messageOf(error)}`);
      return [];
    });
    for (const entry of entries) {
      const { name } = entry;
      if (isLeftover(name)) continue;
      const path = `${folder}/${name}`;
      const isDirectory =
        entry.isDirectory() ||
        (entry.isSymbolicLink() && (await this.#directoryIfPresent(path)) !== undefined);
      if (isDirectory) {
        // Matchbox lists the groups of the folder itself, and finds the rest by any path.
        if (top === "groups")
          this.#report("not-read", path, "groups in folders are not read; move them up", "warning");
        else if (depth < maxDepth) await this.#list(top, path, found, depth + 1);
        continue;
      }
      const inner = path.slice(top.length + 1);
      if (top !== "groups" && top !== "profiles") found.set(path, { kind: top, name: inner });
      else if (name.endsWith(".json")) {
        found.set(path, {
          kind: top === "groups" ? "group" : "profile",
          id: inner.slice(0, -".json".length),
        });
      } else {
        this.#report("not-read", path, "is not read: only files that end in .json are", "warning");
      }
    }
  }

  async #readAll(listed: ReadonlyMap<string, FileRole>): Promise<void> {
    const queue = listed.entries();
    const worker = async (): Promise<void> => {
      for (const [path, role] of queue) await this.#read(path, role);
    };
    await Promise.all(Array.from({ length: parallelReads }, worker));
  }

  async #read(path: string, role: FileRole): Promise<void> {
    const known = this.files.get(path);
    try {
      const before = await this.#stampOf(path);
      if (known?.stamp && before && sameStamp(known.stamp, before)) return;
      const contents = await readFile(join(this.directory, path));
      if (known && known.digest === digestOf(contents)) known.stamp = before;
      else this.files.set(path, await inSlices(parseFile(this.directory, path, role, contents, before)));
    } catch (error) {
      this.files.delete(path);
      if (systemCode(error) !== "ENOENT")
        this.#report("unreadable", path, `cannot be read: ${messageOf(error)}`);
      // Gone since it was listed; or named by the lab.yaml, of which assemble() tells with its place.
      else if (role.kind === "lab" && this.labOnly) this.#report("unreadable", path, "there is no such file");
    }
  }

  async #stampOf(path: string): Promise<Stamp | undefined> {
    const { mtimeMs, size, ino } = await stat(join(this.directory, path));
    return Math.abs(Date.now() - mtimeMs) < stampTickMs
      ? undefined
      : { modifiedMs: mtimeMs, sizeBytes: size, inode: ino };
  }

  async #directoryIfPresent(path: string): Promise<string | undefined> {
    const whole = join(this.directory, path);
    const found = await stat(whole).catch(() => undefined);
    return found?.isDirectory() ? whole : undefined;
  }

  #report(
    check: string,
    file: string,
    message: string,
    severity: InventoryProblem["severity"] = "error",
  ): void {
    this.problems.push({ severity, check, place: { file: file || "." }, path: "", message });
  }
}

const sameStamp = (a: Stamp, b: Stamp): boolean =>
  a.modifiedMs === b.modifiedMs && a.sizeBytes === b.sizeBytes && a.inode === b.inode;

/** What editors and file systems leave beside files. */
export const isLeftover = (name: string): boolean => /^\.|~$|^#.*#$|\.(swp|swx|tmp)$/.test(name);

const digestOf = (contents: Uint8Array): string => createHash("sha256").update(contents).digest("base64");

function* parseFile(
  directory: string,
  path: string,
  role: FileRole,
  contents: Buffer,
  stamp: Stamp | undefined,
): Slices<ReadFile> {
  const file = { role, digest: digestOf(contents), stamp };
  const text = isTemplate(role) ? bytesToText(contents) : decodeUtf8(contents);
  if (text === undefined) {
    const problem = { severity: "error", check: "syntax", place: { file: path }, path: "" } as const;
    return { ...file, problems: [{ ...problem, message: "it is not text in UTF-8" }] };
  }
  const parsed = yield* parseAs(role, text, path, directory);
  return { ...file, ...parsed, problems: parsed.problems.length > 0 ? parsed.problems : noProblems };
}

/** Go's templates are bytes, UTF-8 or not. */
const isTemplate = (role: FileRole): boolean =>
  "name" in role && !(role.kind === "ignition" && isRawIgnition(role.name));

function decodeUtf8(contents: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(contents);
  } catch {
    return undefined;
  }
}

function* parseAs(
  role: FileRole,
  text: string,
  path: string,
  directory: string,
): Slices<Pick<ReadFile, "lab" | "group" | "profile" | "text" | "problems">> {
  switch (role.kind) {
    case "lab":
      return yield* parseLabInSlices(text, path, directory);
    case "group": {
      const { value, problems } = parseGroup(text, path, role.id);
      return { ...(value && { group: value }), problems };
    }
    case "profile": {
      const { value, problems } = parseProfile(text, path, role.id);
      return { ...(value && { profile: value }), problems };
    }
    default: {
      const { value, problems } = parseConfigText(role.kind, role.name, text, { file: path });
      return { ...(value && { text: value }), problems };
    }
  }
}
