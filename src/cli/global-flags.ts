import type { Flags } from "./command.js";

/** The flags that every command takes, before or after its name. */
export const globalFlags = {
  profile: {
    short: "p",
    type: "string",
    value: "NAME",
    summary: "The cluster to work on",
    complete: "profile",
  },
  output: {
    short: "o",
    type: "string",
    value: "FORMAT",
    summary: "How to print: text, table, json or yaml, as the command can",
    choices: ["text", "table", "json", "yaml"],
  },
  verbose: { short: "v", type: "boolean", summary: "Say also what is waited for, and the cause of errors" },
  quiet: { short: "q", type: "boolean", summary: "Say nothing while working; errors are still printed" },
  "no-color": { type: "boolean", summary: "No colours, as with the environment variable NO_COLOR" },
} as const satisfies Flags;
