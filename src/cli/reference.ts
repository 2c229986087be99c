import { errorCodes } from "../base/errors.js";
import { labJsonSchema } from "../netboot/inventory/lab-json-schema.js";
import { clusterJsonSchema } from "../spec/json-schema.js";
import { type Command, type Flag, type Flags, isGroup } from "./command.js";
import { commandSections } from "./commands.js";
import { globalFlags } from "./global-flags.js";
import { loaders } from "./loaders.js";

/** The pages of docs/reference/, by file name: made from the code, so that they cannot say something else. */
export async function referencePages(): Promise<Record<string, string>> {
  return {
    "commands.md": await commandsPage(),
    "cluster-file.md": clusterFilePage(),
    "lab-file.md": labFilePage(),
    "errors.md": errorsPage(),
  };
}

const generated = "<!-- Made by `npm run docs` from the code. -->\n";

async function commandsPage(): Promise<string> {
  const parts = [`# Commands\n\n${generated}\n## Flags of every command\n\n${flagTable(globalFlags)}`];
  for (const { title, commands } of commandSections) {
    parts.push(`## ${title}`);
    for (const { name } of commands) {
      const { command } = await loaders[name]();
      const all = isGroup(command) ? command.commands : [command];
      if (isGroup(command))
        parts.push(
          [`### slipway ${command.name}`, command.summary, command.description].filter(Boolean).join("\n\n"),
        );
      for (const one of all) parts.push(commandSection(one, isGroup(command) ? "####" : "###"));
    }
  }
  return `${parts.join("\n\n")}\n`;
}

function commandSection(command: Command, level: string): string {
  const words = (command.arguments ?? []).map(({ name, optional, variadic }) => {
    const shown = variadic ? `${name}...` : name;
    return optional ? `[${shown}]` : shown;
  });
  const usage = ["slipway", command.name, ...(command.flags ? ["[flags]"] : []), ...words].join(" ");
  const rows = (command.arguments ?? []).map(({ name, summary, choices }) => [
    `\`${name}\``,
    choices ? `${summary}: ${choices.join(", ")}` : summary,
  ]);
  const examples = (command.examples ?? []).map(([line, what]) => `slipway ${line}  # ${what}`);
  return [
    `${level} slipway ${command.name}`,
    [command.summary, command.description].filter(Boolean).join(".\n\n"),
    `\`\`\`\n${usage}\n\`\`\``,
    ...(rows.length > 0 ? [markdownTable(["Argument", "What it is"], rows)] : []),
    ...(command.flags ? [flagTable(command.flags)] : []),
    ...(command.outputs
      ? [
          `\`-o\`: ${command.outputs.join(", ")}${command.streams ? "; json is a stream of CloudEvents, one a line" : ""}`,
        ]
      : []),
    ...(examples.length > 0 ? [`\`\`\`sh\n${examples.join("\n")}\n\`\`\``] : []),
  ].join("\n\n");
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]: [string, Flag]) => {
    const short = flag.short ? `\`-${flag.short}\`, ` : "";
    const more = [
      ...(flag.choices ? [`one of ${flag.choices.join(", ")}`] : []),
      ...(flag.type === "strings" ? ["can be repeated"] : []),
      ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
    ];
    return [
      `${short}\`--${name}${flag.type === "boolean" ? "" : ` ${flag.value ?? "VALUE"}`}\``,
      more.length > 0 ? `${flag.summary} (${more.join("; ")})` : flag.summary,
    ];
  });
  return markdownTable(["Flag", "What it does"], rows);
}

/** As much of JSON Schema as our files' use. */
interface Schema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  additionalProperties?: Schema | boolean;
}

function clusterFilePage(): string {
  return `# The cluster file

${generated}
\`slipway start -f cluster.yaml\` reads it. Flags override it, and every field but the first two has a default. The package
has the JSON Schema of it as \`slipway/cluster.schema.json\`.

${fieldTable(clusterJsonSchema() as Schema)}
`;
}

function labFilePage(): string {
  return `# The lab file

${generated}
\`lab.yaml\`, in the directory that the \`slipway netboot\` commands work on: networks, machines and what they boot. Matchbox's
\`groups/\`, \`profiles/\` and \`ignition/\` may stand beside it, or alone. Paths are meant from the file's directory. The package
has the JSON Schema of it as \`slipway/lab.schema.json\`.

${fieldTable(labJsonSchema() as Schema)}
`;
}

function fieldTable(whole: Schema): string {
  const rows: string[][] = [];
  const walk = (schema: Schema, path: string) => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const here = path === "" ? name : `${path}.${name}`;
      rows.push([`\`${here}\``, typeText(field), field.description ?? ""]);
      for (const inner of [field, ...(field.anyOf ?? [])]) {
        walk(inner, here);
        if (inner.items)
          for (const item of [inner.items, ...(inner.items.anyOf ?? [])]) walk(item, `${here}[]`);
      }
    }
  };
  walk(whole, "");
  return markdownTable(["Field", "Type", "What it is"], rows);
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(" or ");
  const names: Record<string, string> = {
    array: "list",
    object: "map",
    integer: "whole number",
    string: "text",
  };
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return types.map((type) => names[type] ?? type).join(" or ");
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, { exitCode, class: sort, summary }]) => [
    `\`${code}\``,
    String(exitCode),
    sort,
    summary,
  ]);
  return `# Error codes

${generated}
An error ends slipway with its exit code. The tens say where it happened, the units what sort it is, as in minikube; the
class says who can mend it: \`user\` the input, \`system\` the machine or network, \`bug\` slipway. With \`-o json\` the last
event has the code.

${markdownTable(["Code", "Exit code", "Class", "What it means"], rows)}

\`slipway status\` ends with the sum of 1 (a machine does not run), 2 (kubelet or API server does not run) and 4 (kubeconfig
is missing). \`slipway kubectl\` and \`slipway ssh\` end with the exit code of what they ran.
`;
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = (cell: string) =>
    (cell.startsWith("`") ? cell : cell.replaceAll("<", "&lt;")).replaceAll("|", "\\|");
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}
