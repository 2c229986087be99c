import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a program that has one of our open files or sockets as its descriptor 3. What it does to it, it does to ours: a lock,
 * a socket option. For what the kernel offers and Node does not.
 *
 * spawn, not run(): execa hands no plain descriptors down, and this one is the point.
 *
 * @throws the system's error when it cannot be started; the signal's reason when aborted.
 */
export async function runOnDescriptor(
  descriptor: number,
  file: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<{ exitCode: number | null; stderr: string }> {
  signal?.throwIfAborted();
  const child = spawn(file, args, {
    stdio: ["ignore", "ignore", "pipe", descriptor],
    ...(signal ? { signal } : {}),
  });
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr = `${stderr}${text}`.slice(-2000);
  });
  const [exitCode] = (await once(child, "close").catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  })) as [number | null];
  return { exitCode, stderr: stderr.trim() };
}
