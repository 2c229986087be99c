import { defineCommand, type Flag } from "../command.js";
import { globalFlags } from "../global-flags.js";

export const command = defineCommand({
  name: "options",
  summary: "List the flags that every command takes",
  async run(cli) {
    const rows = Object.entries(globalFlags).map(([name, flag]: [string, Flag]) => {
      const short = flag.short ? `-${flag.short}, ` : "    ";
      const value = flag.value ? ` ${flag.value}` : "";
      return [`  ${short}--${name}${value}`, flag.summary] as const;
    });
    rows.push(["  -h, --help", "Explain the command"]);
    const width = Math.max(...rows.map(([left]) => left.length));
    const lines = rows.map(([left, summary]) => `${left.padEnd(width)}  ${summary}`);
    cli.print(`These can be given with every command, before or after its name:\n\n${lines.join("\n")}`);
  },
});
