import { join } from "node:path";
import { inspect } from "node:util";
import type { Context } from "../base/context.js";
import { makeDirectory, writeFileAtomic } from "../base/files.js";
import { version } from "./version.js";

/**
 * Keeps what is needed to mend a bug, the last one only.
 *
 * @returns the file; undefined when it could not be written, which must not hide the bug itself.
 */
export async function writeBugReport(
  error: unknown,
  argv: readonly string[],
  { paths, clock, owner }: Context,
): Promise<string | undefined> {
  const path = join(paths.state, "last-bug.txt");
  const lines = [
    `slipway v${version}, node ${process.version}, ${process.platform} ${process.arch}`,
    `${clock.now().toISOString()}  slipway ${argv.join(" ")}`,
    "",
    inspect(error, { depth: 6 }),
  ];
  try {
    await makeDirectory(paths.state, { mode: 0o700, owner });
    await writeFileAtomic(path, `${lines.join("\n")}\n`, { mode: 0o600, ...owner });
    return path;
  } catch {
    return undefined;
  }
}
