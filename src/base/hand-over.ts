import type { Owner } from "./files.js";
import { run } from "./run.js";

/** Gives a file, or all of a directory, to its owner, after other programs wrote in it as root. undefined: it is ours. */
export async function handOver(path: string, owner: Owner | undefined): Promise<void> {
  if (!owner) return;
  await run("chown", ["--recursive", "--no-dereference", `${owner.uid}:${owner.gid}`, path]);
}
