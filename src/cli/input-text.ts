import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { SlipwayError, systemCode } from "../base/errors.js";
import type { Cli } from "./cli.js";

/**
 * The text of a file that was named on the command line; `-` or none is standard input.
 *
 * @throws {SlipwayError} `USAGE` when there is no such file, or it cannot be read.
 */
export async function readInput(
  name: string | undefined,
  cli: Pick<Cli, "workingDirectory">,
): Promise<{ text: string; file: string }> {
  if (name === undefined || name === "-") return { text: await text(process.stdin), file: "stdin" };
  try {
    return { text: await readFile(resolve(cli.workingDirectory, name), "utf8"), file: name };
  } catch (cause) {
    const why =
      systemCode(cause) === "ENOENT" ? "there is no such file" : `it cannot be read (${systemCode(cause)})`;
    throw new SlipwayError("USAGE", `${name}: ${why}`, { cause });
  }
}
