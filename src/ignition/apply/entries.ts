import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { posix } from "node:path";
import type { IgnitionConfig, IgnitionDirectory, IgnitionFile, IgnitionLink } from "../config.js";
import { groupId, userId } from "./accounts.js";
import { type FetchOptions, fetchContents } from "./contents.js";
import { failed, type Root } from "./root.js";

/** A file, directory or link with everything known that writing it takes. `at` is its resolved path in the root. */
export type Entry =
  | { kind: "file"; at: string; node: IgnitionFile; contents: Uint8Array | undefined; appended: Uint8Array[] }
  | { kind: "directory"; at: string; node: IgnitionDirectory }
  | { kind: "link"; at: string; node: IgnitionLink };

/** Fetches all contents. Writes nothing. */
export async function fetchFiles(
  { storage = {} }: IgnitionConfig,
  options: FetchOptions,
): Promise<Omit<Extract<Entry, { kind: "file" }>, "at">[]> {
  return Promise.all(
    (storage.files ?? []).map(async (node) => ({
      kind: "file" as const,
      node,
      contents:
        node.contents?.source === undefined
          ? undefined
          : await fetchContents(node.contents, node.path, options),
      appended: await Promise.all((node.append ?? []).map((part) => fetchContents(part, node.path, options))),
    })),
  );
}

/**
 * Finds where each entry goes, and the order to write them in: shallow before deep, hard links last (their targets may be
 * deeper). Writes nothing.
 */
export function orderEntries(
  { storage = {} }: IgnitionConfig,
  files: Awaited<ReturnType<typeof fetchFiles>>,
  root: Root,
): Entry[] {
  const entries: Entry[] = [
    ...(storage.directories ?? []).map((node) => ({
      kind: "directory" as const,
      node,
      at: root.resolve(node.path),
    })),
    ...files.map((file) => ({ ...file, at: root.resolve(file.node.path) })),
    ...(storage.links ?? []).map((node) => ({ kind: "link" as const, node, at: root.resolve(node.path) })),
  ];
  refuseCollisions(entries);
  const rank = (entry: Entry) => (isHardLink(entry) ? Number.POSITIVE_INFINITY : entry.at.split("/").length);
  return entries.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

function refuseCollisions(entries: Entry[]): void {
  const paths = new Map<string, Entry>();
  for (const entry of entries) {
    const other = paths.get(entry.at);
    if (other) {
      throw failed(`${entry.node.path} and ${other.node.path} are the same place in the root (${entry.at})`);
    }
    paths.set(entry.at, entry);
  }
  for (const entry of entries) {
    for (let parent = posix.dirname(entry.at); parent !== "/"; parent = posix.dirname(parent)) {
      const other = paths.get(parent);
      if (other && other.kind !== "directory") {
        throw failed(
          `${entry.node.path} lies below ${other.node.path}, which the config makes a ${other.kind}`,
        );
      }
    }
  }
}

const isHardLink = (entry: Entry): boolean => entry.kind === "link" && entry.node.hard === true;

export function writeEntry(entry: Entry, root: Root): void {
  if (entry.at === "/" && entry.node.overwrite) throw failed("the root itself cannot be overwritten");
  if (entry.node.overwrite) rmSync(root.onHost(entry.at), { recursive: true, force: true });
  if (entry.kind === "file") writeFile(entry, root);
  else if (entry.kind === "directory") writeDirectory(entry, root);
  else if (entry.node.hard) writeHardLink(entry, root);
  else writeSymbolicLink(entry, root);
}

function writeFile({ at, node, contents, appended }: Extract<Entry, { kind: "file" }>, root: Root): void {
  const host = root.onHost(at);
  const present = root.stat(at);
  if (present && !present.isFile()) throw inTheWay(node.path, "something that is not a file");
  if (present && contents) throw inTheWay(node.path, "a file");
  if (!present) {
    root.makeDirectories(posix.dirname(at));
    writeFileSync(host, contents ?? "", { flag: "wx", mode: 0o600 }); // nobody else sees it before it has its mode
    if (node.mode === undefined) chmodSync(host, 0o644);
  }
  for (const part of appended) appendFileSync(host, part);
  setOwnerAndMode(at, node, root);
}

function writeDirectory({ at, node }: Extract<Entry, { kind: "directory" }>, root: Root): void {
  const present = root.stat(at);
  if (present && !present.isDirectory()) throw inTheWay(node.path, "something that is not a directory");
  if (!present) root.makeDirectories(at);
  setOwnerAndMode(at, node, root);
}

function writeSymbolicLink({ at, node }: Extract<Entry, { kind: "link" }>, root: Root): void {
  const host = root.onHost(at);
  const present = root.stat(at);
  if (present && !present.isSymbolicLink())
    throw inTheWay(node.path, "something that is not a symbolic link");
  if (present) {
    const target = readlinkSync(host);
    if (posix.normalize(target) !== posix.normalize(node.target))
      throw inTheWay(node.path, `a link to ${target}`);
    return;
  }
  root.makeDirectories(posix.dirname(at));
  symlinkSync(node.target, host);
  setOwnerAndMode(at, node, root);
}

function writeHardLink({ at, node }: Extract<Entry, { kind: "link" }>, root: Root): void {
  const target = root.resolve(node.target);
  const [present, original] = [root.stat(at), root.stat(target)];
  if (!original) throw failed(`${node.path} cannot be a hard link: its target ${node.target} does not exist`);
  if (present) {
    if (present.ino !== original.ino || present.dev !== original.dev)
      throw inTheWay(node.path, "another file");
    return;
  }
  root.makeDirectories(posix.dirname(at));
  linkSync(root.onHost(target), root.onHost(at));
}

/** Owner before mode: changing the owner clears setuid (chown(2)). */
function setOwnerAndMode(at: string, node: IgnitionDirectory | IgnitionLink, root: Root): void {
  const host = root.onHost(at);
  const { user, group } = node;
  const uid = user?.id ?? (user?.name ? userId(root, user.name) : undefined);
  const gid = group?.id ?? (group?.name ? groupId(root, group.name) : undefined);
  if (uid !== undefined || gid !== undefined) lchownSync(host, uid ?? -1, gid ?? -1);
  if ("mode" in node && node.mode !== undefined) chmodSync(host, node.mode & permissionBits);
}

/** Before spec 3.6 Ignition drops setuid, setgid and sticky bits. */
const permissionBits = 0o777;

const inTheWay = (path: string, what: string) =>
  failed(`${path} cannot be written: ${what} is there already, and overwrite is not set`);
