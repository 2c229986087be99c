import { posix } from "node:path";
import { messageOf } from "../../base/errors.js";
import type { IgnitionConfig, IgnitionFile, IgnitionLink } from "../config.js";
import type { Report } from "../problem.js";
import type { Decoded, DecodedTree } from "./decoded.js";
import { embed, type LocalFiles, readLocalFile, readLocalTree, type TreeEntry } from "./embed.js";
import type { Added } from "./layer.js";

type Storage = NonNullable<IgnitionConfig["storage"]>;

/**
 * Puts the files and links of local directories into the config: new entries, or contents for entries that have none.
 *
 * @returns the new entries
 */
export function addTrees(
  { storage }: Decoded,
  config: IgnitionConfig,
  local: LocalFiles,
  report: Report,
): Added[] {
  const trees = storage?.trees ?? [];
  if (trees.length === 0) return [];
  config.storage ??= {};
  const target = new TreeTarget(config.storage);
  for (const [i, tree] of trees.entries()) {
    const at = report.at("storage", "trees", i);
    if (!tree.local) {
      at.error("a tree needs local, a directory below the files directory");
      continue;
    }
    try {
      target.add(tree.local, tree, local, at, ["storage", "trees", i]);
    } catch (error) {
      at.error(messageOf(error));
    }
  }
  return target.added;
}

class TreeTarget {
  readonly added: Added[] = [];
  readonly #storage: Storage;
  readonly #files: Map<string, IgnitionFile>;
  readonly #links: Map<string, IgnitionLink>;
  readonly #directories: Set<string>;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#files = new Map((storage.files ?? []).map((file) => [file.path, file]));
    this.#links = new Map((storage.links ?? []).map((link) => [link.path, link]));
    this.#directories = new Set((storage.directories ?? []).map(({ path }) => path));
  }

  add(directory: string, tree: DecodedTree, local: LocalFiles, report: Report, from: Added["from"]): void {
    for (const entry of readLocalTree(local, directory)) {
      const path = posix.join(tree.path || "/", entry.path);
      if (entry.kind === "directory") continue;
      if (entry.kind === "other") report.error(`${entry.path} is no file, directory or symbolic link`);
      else if (this.#taken(path, entry.kind)) report.error(`${path} has other contents in this config`);
      else if (entry.kind === "link") this.#link(path, from).target = entry.target ?? "";
      else this.#fill(this.#file(path, from), readLocalFile(local, posix.join(directory, entry.path)), entry);
    }
  }

  /** Whether the config has another kind of entry at the path, or one that is complete. */
  #taken(path: string, kind: "file" | "link"): boolean {
    const [file, link] = [this.#files.get(path), this.#links.get(path)];
    if (kind === "file" && file) return Boolean(file.contents?.source);
    if (kind === "link" && link) return Boolean(link.target);
    return file !== undefined || link !== undefined || this.#directories.has(path);
  }

  #fill(file: IgnitionFile, contents: Uint8Array, { executable }: TreeEntry): void {
    file.contents = { ...file.contents, ...embed(contents, file.contents?.compression) };
    file.mode ??= executable ? 0o755 : 0o644;
  }

  #file(path: string, from: Added["from"]): IgnitionFile {
    const known = this.#files.get(path);
    if (known) return known;
    const file: IgnitionFile = { path };
    this.#storage.files = [...(this.#storage.files ?? []), file];
    this.#files.set(path, file);
    this.added.push({ list: ["storage", "files"], entry: { path }, from });
    return file;
  }

  #link(path: string, from: Added["from"]): IgnitionLink {
    const known = this.#links.get(path);
    if (known) return known;
    const link: IgnitionLink = { path, target: "" };
    this.#storage.links = [...(this.#storage.links ?? []), link];
    this.#links.set(path, link);
    this.added.push({ list: ["storage", "links"], entry: { path }, from });
    return link;
  }
}
