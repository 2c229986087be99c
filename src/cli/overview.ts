import { commandSections, commands } from "./commands.js";

/** What `slipway --help` prints: every command with its summary, by section. */
export function overview(): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const sections = commandSections.map(({ title, commands }) => {
    const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
    return `${title}:\n${lines.join("\n")}\n`;
  });
  return `Slipway launches real Kubernetes clusters.

Usage: slipway <command> [flags]

${sections.join("\n")}
\`slipway <command> --help\` explains a command, \`slipway options\` lists the flags that all commands take.
`;
}
