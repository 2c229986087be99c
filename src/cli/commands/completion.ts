import { defineCommand } from "../command.js";
import { completionScripts } from "../completion-scripts.js";

export const command = defineCommand({
  name: "completion",
  summary: "Print a completion script for bash, zsh or fish",
  arguments: [{ name: "SHELL", summary: "The shell it is for", choices: Object.keys(completionScripts) }],
  examples: [
    ["completion bash > /etc/bash_completion.d/slipway", "for all users of bash"],
    ['completion zsh > "$fpath[1]/_slipway"', "for zsh"],
    ["completion fish > ~/.config/fish/completions/slipway.fish", "for fish"],
  ],
  async run(cli, [shell]) {
    cli.print(completionScripts[shell!]!);
  },
});
