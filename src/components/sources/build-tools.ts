import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { run } from "../../base/run.js";
import type { CLibrary } from "../catalog-entry.js";

/** @throws {SlipwayError} `PROGRAM_NOT_FOUND` naming the Debian packages that are missing, with the command to install them. */
export async function checkBuildTools(libraries: readonly CLibrary[], signal: AbortSignal): Promise<void> {
  const missing: string[] = [];
  if (!(await runs("gcc", ["--version"], signal))) missing.push("gcc", "libc6-dev");
  if (libraries.length > 0 && !(await runs("pkg-config", ["--version"], signal))) missing.push("pkg-config");
  for (const { name, debianPackage } of libraries) {
    if (!(await runs("pkg-config", ["--exists", name], signal))) missing.push(debianPackage);
  }
  if (missing.length === 0) return;
  throw new SlipwayError("PROGRAM_NOT_FOUND", `the build needs ${missing.join(", ")}`, {
    hint: `apt-get install -y ${missing.join(" ")}`,
  });
}

async function runs(program: string, args: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    return (await run(program, args, { signal, allowFailure: true })).exitCode === 0;
  } catch (error) {
    if (isSlipwayError(error, "PROGRAM_NOT_FOUND")) return false;
    throw error;
  }
}
