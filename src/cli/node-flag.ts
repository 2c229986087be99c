import type { Flag } from "./command.js";

export const nodeFlag = {
  short: "n",
  type: "string",
  value: "NAME",
  summary: "The node; without it the first one",
  complete: "node",
} as const satisfies Flag;
