import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemCode } from "../base/errors.js";
import type { LocalFiles, TreeEntry } from "../ignition/butane/embed.js";

/** A directory's files, for Butane configs that name local files. None: such configs are refused. */
export function localFiles(directory: string | undefined): LocalFiles {
  if (directory === undefined) return {};
  const root = resolve(directory);
  return {
    readLocal: (path) => unlessMissing(() => readFileSync(join(root, path))),
    readTree: (path) => unlessMissing(() => walk(join(root, path))),
  };
}

function walk(directory: string, below = ""): TreeEntry[] {
  const entries = readdirSync(join(directory, below), { withFileTypes: true });
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return entries.flatMap((entry): TreeEntry[] => {
    const path = below ? `${below}/${entry.name}` : entry.name;
    const full = join(directory, path);
    if (entry.isDirectory()) return [{ path, kind: "directory" }, ...walk(directory, path)];
    if (entry.isSymbolicLink()) return [{ path, kind: "link", target: readlinkSync(full) }];
    if (!entry.isFile()) return [{ path, kind: "other" }];
    return [{ path, kind: "file", executable: (statSync(full).mode & 0o111) !== 0 }];
  });
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
