import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { runOnDescriptor } from "./descriptor.js";
import { type ErrorCode, SlipwayError } from "./errors.js";
import { makeDirectory, type Owner } from "./files.js";

/** A lock that is held. The kernel releases it when the process dies, however it dies. */
export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>;
}

export interface LockOptions {
  /** Wait for the holder at most this long; 0 gives up at once. @default 0 */
  waitMs?: number;
  /** What the lock stands for, for the message: `profile demo`. */
  what: string;
  /** @default "PROFILE_BUSY" */
  code?: ErrorCode;
  signal?: AbortSignal;
  /** Whom the file belongs to, who must be able to open it next time. @default whoever we are */
  owner?: Owner | undefined;
  /** Called once if the lock is held by somebody else and we are about to wait. */
  onWait?: (holder: string) => void;
}

/**
 * Takes an exclusive flock(2) on a file, which is made if missing and never removed.
 *
 * Node has no flock. `flock(1)` is given our own descriptor and locks the open file description behind it, which
 * stays locked after that helper has exited, for as long as we keep the file open.
 *
 * @throws {SlipwayError} `options.code` when it is held, saying by whom.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<HeldLock> {
  await makeDirectory(dirname(path), { owner: options.owner });
  const handle = await open(path, "a+", 0o600);
  try {
    if (options.owner) await handle.chown(options.owner.uid, options.owner.gid);
    if (!(await tryFlock(handle, 0, options.signal))) {
      const holder = (await readFile(path, "utf8")).trim() || "an unknown process";
      options.onWait?.(holder);
      if (!options.waitMs || !(await tryFlock(handle, options.waitMs, options.signal))) {
        throw new SlipwayError(options.code ?? "PROFILE_BUSY", `${options.what} is in use by ${holder}`, {
          hint: "wait for it to end, or end it, and run the same command again",
        });
      }
    }
    // Only the holder writes here, and only for the message above: a torn text harms nothing.
    await handle.truncate(0);
    await handle.write(`process ${process.pid} (${process.argv.slice(2, 4).join(" ")})\n`);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const release = () => handle.close();
  return { release, [Symbol.asyncDispose]: release };
}

/** @returns false when the lock was not had within `waitMs`. */
async function tryFlock(handle: FileHandle, waitMs: number, signal?: AbortSignal): Promise<boolean> {
  const patience = waitMs === 0 ? ["--nonblock"] : ["--timeout", String(waitMs / 1000)];
  const args = ["--exclusive", ...patience, "--conflict-exit-code", "75", "3"];
  const { exitCode } = await runOnDescriptor(handle.fd, "flock", args, signal);
  if (exitCode === 0) return true;
  if (exitCode === 75) return false;
  throw new SlipwayError("PROGRAM_FAILED", `flock could not lock a file (exit code ${exitCode})`, {
    hint: "install util-linux, which has flock",
  });
}
