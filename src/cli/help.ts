import type { Command, CommandGroup } from "./command.js";

/** What stands below the flags in a command's help. */
export function helpAfter(command: Command): string {
  const width = Math.max(0, ...(command.examples ?? []).map(([line]) => line.length));
  const examples = (command.examples ?? []).map(
    ([line, what]) => `  slipway ${line.padEnd(width)}  # ${what}`,
  );
  const outputs = command.outputs?.length ? `-o is one of ${command.outputs.join(", ")}. ` : "";
  return [
    ...(examples.length > 0 ? ["", "Examples:", ...examples] : []),
    "",
    `${outputs}\`slipway options\` lists the flags that all commands take.`,
  ].join("\n");
}

/** Help of a group: its commands. */
export function helpOfGroup(group: CommandGroup): string {
  const width = Math.max(...group.commands.map(({ name }) => name.length));
  return `Usage: slipway ${group.name} <command> [flags]

${[group.summary, group.description].filter(Boolean).join("\n\n")}

Commands:
${group.commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join("\n")}

\`slipway ${group.name} <command> --help\` explains a command.
`;
}
