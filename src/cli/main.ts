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
  void import("./program.js").then(async ({ runProgram }) => {
    const exitCode = await runProgram(argv);
    // A pipe takes what was written when its reader has room: to exit before that would cut it off.
    process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
  });
}
