import { resolve } from "node:path";
import type { LabState } from "../../../netboot/admin/state-directory.js";
import type { Cli } from "../../cli.js";
import type { Argument } from "../../command.js";

/** Which lab's server is meant, for commands about its machines. */
export const labFlags = {
  lab: {
    type: "string",
    value: "LAB",
    summary: "The lab that is served; without it the working directory's, or the only one",
    complete: "file",
  },
  state: { type: "string", value: "DIR", summary: "Where its server keeps its state, if serve was told" },
} as const;

export const machineArgument: Argument = {
  name: "MACHINE",
  summary: "MAC address, or the machine's name in the lab",
};

export async function labState(
  cli: Cli,
  { lab, state }: { lab: string | undefined; state: string | undefined },
): Promise<LabState> {
  const { findLabState } = await import("../../../netboot/admin/state-directory.js");
  const absolute = (path: string | undefined) => path && resolve(cli.workingDirectory, path);
  const named = { lab: absolute(lab), state: absolute(state) };
  return findLabState(cli.context.paths, named, cli.workingDirectory);
}
