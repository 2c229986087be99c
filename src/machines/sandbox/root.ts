import { once } from "node:events";
import { stat } from "node:fs/promises";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { readTextIfPresent } from "../../base/files.js";
import { run, start } from "../../base/run.js";
import { type MachineLayout, volumeDirectory } from "./layout.js";
import { lastRuncError, type Runc } from "./runc.js";

/**
 * A machine's root is an overlay that is only ever mounted in mount namespaces of our own: the host's never sees it, and a
 * killed run leaves no mount behind. `slave`: what the host mounts later is seen, what is mounted here goes nowhere.
 */
const privateMounts = [
  "setpriv",
  "--pdeathsig",
  "KILL",
  "unshare",
  "--mount",
  "--propagation",
  "slave",
  "--",
  "sh",
  "-c",
] as const;

const mountOverlay = 'mount -t overlay -o "$1" overlay "$2"';

/** mount(2) takes one page of options. */
const optionsLimitBytes = 4095;

/**
 * Options of a machine's overlay: `lowerdir` lists the uppermost layer first (Documentation/filesystems/overlayfs.rst).
 * @throws {SlipwayError} `MACHINE_FAILED` for paths that cannot be written there
 */
export function overlayOptions(layers: readonly string[], layout: MachineLayout): string {
  for (const path of [...layers, layout.upper, layout.work]) {
    if (/[,"\n]/.test(path)) {
      throw new SlipwayError("MACHINE_FAILED", `a root cannot be made of ${path}`, {
        hint: "choose a directory without commas, quotes and line breaks: set SLIPWAY_HOME",
      });
    }
  }
  const escaped = (path: string) => path.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
  const options = `lowerdir=${layers.map(escaped).join(":")},upperdir=${layout.upper},workdir=${layout.work}`;
  if (Buffer.byteLength(options) > optionsLimitBytes) {
    throw new SlipwayError("MACHINE_FAILED", "the paths of the machine's layers are too long together", {
      hint: "keep slipway's files in a directory with a shorter path: set SLIPWAY_HOME",
    });
  }
  return options;
}

/** @throws {SlipwayError} `MACHINE_FAILED` when a layer is not a directory */
export async function checkLayers(layers: readonly string[]): Promise<void> {
  if (layers.length === 0) throw new SlipwayError("MACHINE_FAILED", "a machine needs at least one layer");
  await Promise.all(
    layers.map(async (layer) => {
      const isDirectory = await stat(layer).then(
        (found) => found.isDirectory(),
        () => false,
      );
      if (!isDirectory) {
        throw new SlipwayError("MACHINE_FAILED", `a layer of the machine's root is missing: ${layer}`, {
          hint: "it was removed from the cache; start again, which makes it anew",
        });
      }
    }),
  );
}

/**
 * Mounts a machine's root with its volumes and hands its path to `use`. The path leads through a helper process that holds
 * the mount namespace and ends with its standard input, so also when we are killed.
 */
export async function withRoot(
  layout: MachineLayout,
  { layers, volumes, signal }: { layers: string[]; volumes: string[]; signal?: AbortSignal },
  use: (root: string) => Promise<void>,
): Promise<void> {
  // Pairs of source and target follow the two arguments of the overlay.
  const script = `set -e
    ${mountOverlay}; root=$2; shift 2
    while [ $# -gt 0 ]; do mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2; done
    echo ready; exec cat >/dev/null`;
  const binds = [...volumes].sort().flatMap((path) => [volumeDirectory(layout, path), path]);
  const [program, ...args] = [
    ...privateMounts,
    script,
    "sh",
    overlayOptions(layers, layout),
    layout.root,
    ...binds,
  ];
  const helper = start(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    ...(signal ? { signal } : {}),
  });
  let complaint = "";
  helper.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  try {
    await Promise.race([once(helper.stdout!, "data"), helper]);
    if (helper.exitCode !== null || helper.pid === undefined) {
      signal?.throwIfAborted();
      throw new SlipwayError("MACHINE_FAILED", "the machine's root could not be mounted", {
        hint: "see what the host lacks: slipway start --dry-run",
        details: { output: complaint.trim() || "(no output)" },
      });
    }
    await use(`/proc/${helper.pid}/root${layout.root}`);
  } finally {
    helper.stdin?.end();
    await helper;
  }
}

/**
 * `runc create` with the root mounted. The container's init inherits our standard streams, so they are files: a pipe would
 * keep this process waiting for as long as the machine runs.
 * @returns process id of its init
 * @throws {SlipwayError} `MACHINE_FAILED` with what runc said
 */
export async function createContainer(
  runc: Runc,
  id: string,
  layout: MachineLayout,
  layers: readonly string[],
  options: { signal?: AbortSignal } = {},
): Promise<number> {
  const pidFile = `${layout.directory}/init.pid`;
  const script = `set -e
    ${mountOverlay}; shift 2; console=$1; : >"$2"; shift 2
    exec "$@" </dev/null >"$console" 2>&1`;
  const command = [
    ...[runc.program, "--root", runc.root, "--log", layout.runcLog, "--log-format", "json"],
    ...["create", "--bundle", layout.directory, "--pid-file", pidFile, id],
  ];
  const [program, ...args] = [
    ...privateMounts,
    script,
    "sh",
    overlayOptions(layers, layout),
    layout.root,
    layout.console,
    layout.runcLog,
    ...command,
  ];
  try {
    await run(program, args, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const said = (await lastRuncError(layout.runcLog)) ?? (await lastLine(layout.console));
    throw new SlipwayError("MACHINE_FAILED", `runc could not make the container ${id}`, {
      details: { output: said ?? messageOf(error) },
      cause: error,
    });
  }
  return Number(await readTextIfPresent(pidFile));
}

const lastLine = async (path: string): Promise<string | undefined> =>
  (await readTextIfPresent(path))?.trim().split("\n").at(-1) || undefined;
