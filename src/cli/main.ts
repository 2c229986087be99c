#!/usr/bin/env node
// The fast path: version and the overview of commands are answered before anything heavy is loaded.
import { overview } from "./overview.js";
import { version } from "./version.js";

const argv = process.argv.slice(2);
const only = argv.length <= 1 ? (argv[0] ?? "--help") : undefined;

if (only === "version" || only === "--version") {
  process.stdout.write(`slipway version: v${version}\n`);
} else if (only === "help" || only === "--help" || only === "-h") {
  process.stdout.write(overview());
} else {
  void import("./program.js").then(async ({ runProgram }) => process.exit(await runProgram(argv)));
}
