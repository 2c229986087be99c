import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import * as tar from "tar";
import { isSlipwayError, SlipwayError, systemCode } from "../../base/errors.js";
import { makeDirectory, writeError } from "../../base/files.js";
import { start } from "../../base/run.js";
import type { DriverContext } from "../driver.js";
import type { Sandbox } from "./context.js";
import { diskFull } from "./disk-full.js";
import { execCommand, requireRunning } from "./exec.js";
import { unpackUntrusted } from "./unpack.js";

/**
 * Both ways a tar stream crosses into the node, and each end is unpacked where it belongs: paths of the node are only ever
 * looked up inside it, so that no link of the node's leads anywhere on the host.
 *
 * As `cp -R`: into the target if that is a directory or ends in a slash, else under its name; parents are made.
 */

/** $1 target, $2 the name in the archive. Unpacked beside the target and renamed, so that no half file is seen. */
const unpackScript = `set -e
case $1 in */) mkdir -p -- "$1" ;; esac
if [ -d "$1" ]; then directory=$1 name=$2; else directory=$(dirname -- "$1") name=$(basename -- "$1"); fi
mkdir -p -- "$directory"
part=$(mktemp -d -- "$directory/.slipway-XXXXXX")
trap 'rm -rf -- "$part"' EXIT
tar -x -p --no-same-owner -C "$part" -f -
if [ -d "$part/$2" ] && [ -d "$directory/$name" ]; then cp -a -- "$part/$2/." "$directory/$name/"
else mv -T -f -- "$part/$2" "$directory/$name"; fi`;

/** $1 source; a link is followed, inside the node. */
const packScript = `set -e
path=$(readlink -e -- "$1") || { echo "no such file or directory: $1" >&2; exit 44; }
exec tar -c -C "$(dirname -- "$path")" -f - -- "./$(basename -- "$path")"`;

const notFoundExitCode = 44;

export async function copyIn(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  hostPath: string,
  nodePath: string,
  context: DriverContext = {},
): Promise<void> {
  await requireRunning(sandbox, cluster, name);
  const source = resolve(hostPath);
  await lstat(source).catch((cause: unknown) => {
    throw new SlipwayError("USAGE", `${hostPath} cannot be read (${systemCode(cause)})`, { cause });
  });
  const command = ["sh", "-c", unpackScript, "sh", absolute(nodePath), basename(source)];
  const [program, ...args] = execCommand(sandbox, cluster, name, command);
  const node = launch(program!, args, context);
  // "./" keeps a name that begins with @ or - from meaning something else.
  const archive = tar.create({ cwd: dirname(source), follow: false }, [`./${basename(source)}`]);
  const sent = pipeline(archive, node.stdin!).catch((error: unknown) => error);
  const { exitCode, stderr } = await ended(node);
  const failure = await sent;
  context.signal?.throwIfAborted();
  if (exitCode !== 0)
    throw diskFull(name, stderr) ?? copyFailed(`${nodePath} could not be written in ${name}`, stderr);
  if (failure) throw copyFailed(`${hostPath} could not be read`, String(failure), failure);
}

export async function copyOut(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  nodePath: string,
  hostPath: string,
  context: DriverContext = {},
): Promise<void> {
  await requireRunning(sandbox, cluster, name);
  const source = absolute(nodePath);
  const target = await hostTarget(hostPath, posix.basename(source));
  const part = join(dirname(target), `.slipway-${randomBytes(6).toString("hex")}`);
  const [program, ...args] = execCommand(sandbox, cluster, name, ["sh", "-c", packScript, "sh", source]);
  try {
    await makeDirectory(dirname(target));
    await mkdir(part, { mode: 0o700 });
    const node = launch(program!, args, context);
    const received = unpackUntrusted(node.stdout!, part).catch((error: unknown) => error);
    const { exitCode, stderr } = await ended(node);
    const failure = await received;
    context.signal?.throwIfAborted();
    if (exitCode === notFoundExitCode) throw new SlipwayError("USAGE", `${name} has no ${nodePath}`);
    if (exitCode !== 0) throw copyFailed(`${nodePath} could not be read in ${name}`, stderr);
    if (failure) throw isSlipwayError(failure) ? failure : writeError(target, failure);
    await moveInto(part, target);
  } finally {
    // After a failure the unpacker may still be at work on what it had begun.
    await rm(part, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function hostTarget(hostPath: string, sourceName: string): Promise<string> {
  const path = resolve(hostPath);
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isDirectory || hostPath.endsWith("/") ? join(path, sourceName) : path;
}

/** The archive holds one entry at its top, named as the link in the node pointed to. */
async function moveInto(part: string, target: string): Promise<void> {
  const [only] = await readdir(part);
  if (only === undefined) throw copyFailed(`nothing came for ${target}`, "");
  try {
    await rename(join(part, only), target);
  } catch (error) {
    throw writeError(target, error);
  }
}

function launch(program: string, args: string[], { signal }: DriverContext) {
  return start(program, args, { stdio: ["pipe", "pipe", "pipe"], ...(signal ? { signal } : {}) });
}

async function ended(node: ReturnType<typeof launch>): Promise<{ exitCode: number; stderr: string }> {
  let stderr = "";
  node.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  node.stdout?.on("error", () => {});
  const { exitCode } = await node;
  return { exitCode: exitCode ?? -1, stderr };
}

function absolute(nodePath: string): string {
  if (nodePath.startsWith("/")) return nodePath;
  throw new SlipwayError("USAGE", `${JSON.stringify(nodePath)} is not an absolute path of the node`);
}

const copyFailed = (message: string, output: string, cause?: unknown): SlipwayError =>
  new SlipwayError("MACHINE_FAILED", message, {
    details: { output: output.trim() || "(no output)" },
    ...(cause === undefined ? {} : { cause }),
  });
