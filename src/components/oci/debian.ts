import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { exists, makeDirectory, writeFileAtomic } from "../../base/files.js";
import { handOver } from "../../base/hand-over.js";
import { acquireLock } from "../../base/lock.js";
import { run } from "../../base/run.js";
import { Scope } from "../../base/scope.js";
import { isolated } from "./isolated.js";

/** What nodes and images are made of: Debian 12. */
export const debianSuite = "bookworm";

export interface DebianTreeRequest {
  /** `extract` unpacks packages and runs none of their scripts; `essential` installs a whole system. */
  variant: "extract" | "essential";
  packages: readonly string[];
  /** Options for dpkg, e.g. `path-exclude=/usr/share/man/*`. */
  dpkgOptions?: readonly string[];
  /** The directory to fill: absolute, missing or empty. */
  target: string;
  /** Seconds since 1970 that tools take for "now" where they would write it into files. @default 0 */
  sourceDateEpoch?: number;
  /** What apt and dpkg say, line by line. */
  onLine?: (line: string) => void;
}

/**
 * Fills a directory from Debian packages with mmdebstrap, from wherever this host's own apt gets its packages, with the
 * host's proxies and credentials. Downloads are kept in the cache, so that an interrupted run goes on where it stopped.
 * Neither processes nor mounts outlive us.
 *
 * The caller removes what only the building needed (`buildLeftovers`).
 *
 * @throws {SlipwayError} `PROGRAM_NOT_FOUND` without mmdebstrap, `PROGRAM_FAILED` with its last lines.
 */
export async function makeDebianTree(request: DebianTreeRequest, context: Context): Promise<void> {
  await using scope = new Scope();
  const cache = join(context.paths.cache, "debian");
  const archives = join(cache, "archives");
  const lists = join(cache, "lists");
  for (const directory of [archives, lists]) {
    await makeDirectory(join(directory, "partial"), { owner: context.owner });
  }
  // apt locks these directories itself, but gives up at once.
  scope.use(
    await acquireLock(join(cache, "lock"), {
      what: "the Debian package cache",
      waitMs: 30 * 60_000,
      signal: context.signal,
      owner: context.owner,
      onWait: (holder) => context.events({ type: "info", message: `waiting for ${holder} to end with apt` }),
    }),
  );
  // Not the whole cache: the trees beside them keep their owners.
  for (const directory of [archives, lists]) scope.defer(() => handOver(directory, context.owner));
  // Under the lock and always of this name: what a killed run left is written over, and removed.
  const aptConfig = join(cache, "apt.conf");
  scope.defer(() => rm(aptConfig, { force: true }));
  await writeFileAtomic(aptConfig, await hostAptConfig(context), { mode: 0o600, ...context.owner });
  const share = (source: string, path: string) =>
    `--setup-hook=mkdir -p "$1${path}" && mount --bind '${source}' "$1${path}"`;
  await run(
    ...isolated(
      "mmdebstrap",
      "--mode=root",
      "--verbose",
      `--variant=${request.variant}`,
      "--format=directory",
      `--aptopt=${aptConfig}`,
      `--include=${request.packages.join(",")}`,
      "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
      share(archives, "/var/cache/apt/archives"),
      share(lists, "/var/lib/apt/lists"),
      '--customize-hook=umount "$1/var/cache/apt/archives" "$1/var/lib/apt/lists"',
      "--skip=download/empty,essential/unlink,cleanup/apt",
      // A killed build starts again from nothing: no need to sync each file on the way.
      "--dpkgopt=force-unsafe-io",
      ...(request.dpkgOptions ?? []).map((option) => `--dpkgopt=${option}`),
      debianSuite,
      request.target,
      ...(await hostDebianSources(context)),
    ),
    {
      signal: context.signal,
      env: {
        SOURCE_DATE_EPOCH: String(request.sourceDateEpoch ?? 0),
        LC_ALL: "C.UTF-8",
        DEBIAN_FRONTEND: "noninteractive",
      },
      ...(request.onLine === undefined ? {} : { onLine: request.onLine }),
    },
  );
}

/** Paths in a tree that tell of the host it was built on, or only served the building. */
export const buildLeftovers = [
  "dev",
  "etc/apt",
  "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
  "etc/hostname",
  "etc/resolv.conf",
  "var/cache",
  "var/lib/apt",
  "var/log",
] as const;

/** The host's proxies, time-outs and credentials. Holds secrets. */
async function hostAptConfig(context: Context): Promise<string> {
  const { stdout } = await run("apt-config", ["dump", "Acquire"], { signal: context.signal });
  const lines = [stdout, 'APT::Sandbox::User "root";', 'Acquire::Languages "none";'];
  // mmdebstrap gives apt the tree's /etc/apt; absolute paths lead back to the host's.
  if (await exists("/etc/apt/auth.conf")) lines.push('Dir::Etc::netrc "/etc/apt/auth.conf";');
  if (await exists("/etc/apt/auth.conf.d")) lines.push('Dir::Etc::netrcparts "/etc/apt/auth.conf.d";');
  return `${lines.join("\n")}\n`;
}

/** The host's source files that offer this suite of Debian; none means mmdebstrap's own default. */
async function hostDebianSources(context: Context): Promise<string[]> {
  const format = "$(SOURCESENTRY)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)";
  const { stdout } = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    signal: context.signal,
  });
  return debianSourceFiles(stdout);
}

/** Reads the answer of `apt-get indextargets`: lines of `file:entry|release|component|origin`. */
export function debianSourceFiles(targets: string): string[] {
  const files = new Set<string>();
  for (const line of targets.split("\n")) {
    const [entry = "", release, component, origin = ""] = line.split("|");
    // The origin is known once apt has fetched the release file; before that apt leaves its name there.
    const isDebian = origin === "Debian" || origin === "" || origin === "$(ORIGIN)";
    if (release === debianSuite && component === "main" && isDebian) files.add(entry.replace(/:\d+$/, ""));
  }
  return [...files].sort();
}
