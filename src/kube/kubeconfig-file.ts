import { readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, systemClock } from "../base/clock.js";
import { SlipwayError, systemCode } from "../base/errors.js";
import { type Owner, writeFileAtomic } from "../base/files.js";
import { credentialsFromKubeconfig, type KubeCredentials } from "./credentials.js";
import { type Fields, KubeconfigDocument, type ListName, lists, marker } from "./kubeconfig-document.js";
import { lockKubeconfigs } from "./kubeconfig-lock.js";
import { defaultFile, type KubeconfigFile, locate, makeParent, unreadable } from "./kubeconfig-place.js";

export interface KubeconfigEditOptions {
  /** Whom a new file shall belong to: under sudo the invoking user. A file that is there keeps its owner. */
  owner?: Owner | undefined;
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
}

export interface MergeOptions extends KubeconfigEditOptions {
  /** Name of the cluster, the user and the context in the user's file. */
  profile: string;
  /** Leave the current context as it is. @default false */
  keepContext?: boolean;
}

/** A profile as the user's kubeconfig files have it, merged as kubectl merges them. */
export interface KubeconfigEntry {
  /** The file that holds the context. */
  path: string;
  server: string | undefined;
  isCurrent: boolean;
  /** Whether slipway made it. */
  isOurs: boolean;
}

interface OpenFile extends KubeconfigFile {
  source: string;
  document: KubeconfigDocument;
}

const listNames = Object.keys(lists) as ListName[];

/**
 * Puts a cluster into the user's kubeconfig as cluster, user and context of the profile's name, and makes it the current
 * context. Run again, it brings the entry up to date; when there is nothing to change, nothing is written.
 *
 * As kubectl, an entry that is there is changed in the file that holds it (the first, if several do), a new one goes to
 * the first file that is there, or the last one named. Entries of others, comments and unknown fields stay; so do
 * fields that the user added to ours (a context's namespace, a proxy).
 *
 * @param paths the files that kubectl would read, in its order: what `KUBECONFIG` lists, or `~/.kube/config`.
 * @param kubeconfig the text of the cluster's own kubeconfig: what to merge.
 * @returns whether anything was written.
 * @throws {SlipwayError} `KUBECONFIG_CONFLICT` when an entry of that name is not ours; `KUBECONFIG_INVALID`,
 * `KUBECONFIG_BUSY`, `STATE_WRITE_FAILED`, `DISK_FULL`: the file is unchanged.
 */
export async function mergeKubeconfig(
  paths: readonly string[],
  kubeconfig: string,
  options: MergeOptions,
): Promise<boolean> {
  const { profile, keepContext = false, clock = systemClock } = options;
  const fields = entryFields(profile, credentialsFromKubeconfig(kubeconfig));
  const stamp = { "last-update": clock.now().toISOString(), profile, provider: marker };
  return edit(paths, options, { create: true, profile }, (files) => {
    const fallback = fileOf(files, defaultFile(files));
    for (const list of listNames) {
      const holder = files.find(({ document }) => document.has(list, profile));
      if (holder && !holder.document.isOurs(list, profile)) throw conflict(holder.path, list, profile);
    }
    for (const list of listNames) {
      const holder = files.find(({ document }) => document.has(list, profile)) ?? fallback;
      holder.document.put(list, profile, fields[list], stamp);
    }
    if (!keepContext && currentContext(files) !== profile) fallback.document.setCurrentContext(profile);
  });
}

/**
 * Removes what `mergeKubeconfig` put there, from every file; the current context is cleared if it was this one.
 *
 * @returns whether anything was written.
 * @throws {SlipwayError} as `mergeKubeconfig`.
 */
export async function removeFromKubeconfig(
  paths: readonly string[],
  profile: string,
  options: KubeconfigEditOptions = {},
): Promise<boolean> {
  return edit(paths, options, { create: false, profile }, (files) => {
    for (const { document } of files) {
      for (const list of listNames) {
        if (document.isOurs(list, profile)) document.remove(list, profile);
      }
    }
    // Somebody else's context of that name is still there, and may stay the current one.
    if (files.some(({ document }) => document.has("contexts", profile))) return;
    for (const { document } of files) if (document.currentContext === profile) document.setCurrentContext("");
  });
}

/** Looks a profile up; undefined when no file has its context. */
export async function findInKubeconfig(
  paths: readonly string[],
  profile: string,
): Promise<KubeconfigEntry | undefined> {
  const files = await openFiles(await Promise.all(paths.map((path) => locate(path, undefined))));
  const holder = files.find(({ document }) => document.has("contexts", profile));
  if (!holder) return undefined;
  const cluster = holder.document.field("contexts", profile, "cluster") ?? "";
  const clusterHolder = files.find(({ document }) => document.has("clusters", cluster));
  return {
    path: holder.path,
    server: clusterHolder?.document.field("clusters", cluster, "server"),
    isCurrent: currentContext(files) === profile,
    isOurs: holder.document.isOurs("contexts", profile),
  };
}

/** Locks, reads, changes, and writes what changed. */
async function edit(
  paths: readonly string[],
  { owner, signal }: KubeconfigEditOptions,
  { create, profile }: { create: boolean; profile: string },
  change: (files: OpenFile[]) => void,
): Promise<boolean> {
  const located = await Promise.all(paths.map((path) => locate(path, owner)));
  const wanted = located.filter((file) => file.exists || (create && file === defaultFile(located)));
  if (wanted.length === 0) return false;
  for (const file of wanted) if (!file.exists) await makeParent(file);
  await using _lock = await lockKubeconfigs(wanted, { signal });
  const files = await openFiles(wanted);
  change(files);
  const changed = files
    .map((file) => ({ ...file, text: file.document.toText(profile) }))
    .filter(({ source, text }) => text !== source);
  signal?.throwIfAborted();
  // Last the file that names the current context: it never names one that is not there yet.
  for (const { target, owner: fileOwner, text } of changed.reverse()) {
    await removeLeftovers(target);
    await writeFileAtomic(target, text, { mode: 0o600, ...fileOwner });
  }
  return changed.length > 0;
}

/** Reads files again, now that they are locked; those that are not there are empty. */
async function openFiles(files: readonly KubeconfigFile[]): Promise<OpenFile[]> {
  const seen = new Set<string>();
  const open: OpenFile[] = [];
  for (const file of files) {
    if (seen.has(file.target)) continue; // listed under two names
    seen.add(file.target);
    const source = await readFile(file.target, "utf8").catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return "";
      throw unreadable(file.path, error);
    });
    open.push({ ...file, source, document: KubeconfigDocument.parse(file.path, source) });
  }
  return open;
}

const fileOf = (files: readonly OpenFile[], { target }: KubeconfigFile): OpenFile =>
  files.find((file) => file.target === target) as OpenFile;

/** The first file that names one decides. */
const currentContext = (files: readonly OpenFile[]): string =>
  files.map(({ document }) => document.currentContext).find((context) => context !== "") ?? "";

/** Temporary files of writers that were killed (base/files.ts names them): they hold keys. We have the lock. */
async function removeLeftovers(target: string): Promise<void> {
  const directory = dirname(target);
  const prefix = `.${basename(target)}.`;
  for (const name of await readdir(directory)) {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (/^[0-9a-f]{12}\.tmp$/.test(rest)) await rm(join(directory, name), { force: true });
  }
}

function entryFields(profile: string, credentials: KubeCredentials): Record<ListName, Fields> {
  const data = (pem: string | undefined) =>
    pem === undefined ? undefined : Buffer.from(pem, "utf8").toString("base64");
  return {
    clusters: {
      "certificate-authority": undefined,
      "certificate-authority-data": data(credentials.caPem),
      "insecure-skip-tls-verify": undefined,
      server: credentials.server,
      "tls-server-name": credentials.serverName,
    },
    users: {
      "client-certificate": undefined,
      "client-certificate-data": data(credentials.certificatePem),
      "client-key": undefined,
      "client-key-data": data(credentials.privateKeyPem),
      token: credentials.token,
      tokenFile: undefined,
    },
    contexts: { cluster: profile, user: profile },
  };
}

const conflict = (path: string, list: ListName, profile: string): SlipwayError =>
  new SlipwayError(
    "KUBECONFIG_CONFLICT",
    `${path} has a ${lists[list]} "${profile}" that slipway did not make`,
    {
      hint: "choose another profile name with -p, or rename that entry; nothing was changed",
    },
  );
