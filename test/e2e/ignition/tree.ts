import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * A directory tree as text, a line for each entry: type, mode, owner, contents or target, and what it is a hard link with. Two
 * trees that were written the same way have the same lines.
 */
export function describeTree(root: string, ignored: RegExp): Record<string, string> {
  const lines: Record<string, string> = {};
  const firstOfInode = new Map<number, string>();
  const visit = (path: string) => {
    const host = join(root, path);
    const stats = lstatSync(host);
    const owner = `${stats.uid}:${stats.gid}`;
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) lines[path] = `link ${owner} -> ${readlinkSync(host)}`;
    else if (stats.isDirectory()) lines[path] = `directory ${mode} ${owner}`;
    else {
      const contents = readFileSync(host);
      const text = contents.length < 400 ? JSON.stringify(contents.toString("latin1")) : digest(contents);
      const same = stats.nlink > 1 ? firstOfInode.get(stats.ino) : undefined;
      firstOfInode.set(stats.ino, same ?? path);
      lines[path] = same ? `same file as ${same}` : `file ${mode} ${owner} ${text}`;
    }
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(host).sort()) {
      const child = `${path === "/" ? "" : path}/${name}`;
      if (!ignored.test(child)) visit(child);
    }
  };
  visit("/");
  return lines;
}

const digest = (contents: Uint8Array): string => createHash("sha256").update(contents).digest("hex");
