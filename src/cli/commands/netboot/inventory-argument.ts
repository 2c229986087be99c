import type { Argument } from "../../command.js";

/** The inventory that a command of this group works on. */
export const inventoryArgument: Argument = {
  name: "LAB",
  summary: "A directory with a lab.yaml, matchbox's groups/, profiles/ and ignition/, or both; or a lab.yaml",
  complete: "file",
};
