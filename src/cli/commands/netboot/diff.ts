import { resolve } from "node:path";
import { type Argument, defineCommand } from "../../command.js";
import { inventoryArgument } from "./inventory-argument.js";

const side = (name: string, which: string): Argument => ({
  ...inventoryArgument,
  name,
  summary: `The ${which} lab: a directory or a lab.yaml`,
});

/** How many names are listed of those for which the same changes. */
const listedNames = 5;

export const diff = defineCommand({
  name: "netboot diff",
  summary: "Show which machines a change of a lab touches, and how",
  description:
    "Compares what every described machine gets, and for each group what a machine gets that has just the labels of its selector: group, boot profile, kernel, arguments, final Ignition config, address.",
  arguments: [side("OLD", "old"), side("NEW", "new")],
  flags: {
    "exit-code": { type: "boolean", summary: "End with 1 when there are differences, as git diff does" },
  },
  outputs: ["text", "json", "yaml"],
  examples: [["netboot diff lab/ lab.new/", "before the new one goes live"]],
  async run(cli, [old, now], flags) {
    const [{ diffInventories }, { changeText }] = await Promise.all([
      import("../../../netboot/inventory/diff/diff-inventories.js"),
      import("../../../netboot/inventory/diff/change.js"),
    ]);
    const from = (path: string | undefined) => resolve(cli.workingDirectory, path!);
    const result = await diffInventories(from(old), from(now));
    const { shared, touched, compared } = result;
    const isSame = shared.length + touched.length === 0;
    await cli.show(result, () =>
      isSame
        ? `nothing changes for any of ${compared} machines and groups`
        : [
            ...(shared.length > 0 ? [section("networks, DNS and settings", shared.map(changeText))] : []),
            ...touched.map(({ who, changes }) => section(names(who), changes.map(changeText))),
            `${touched.reduce((sum, { who }) => sum + who.length, 0)} of ${compared} machines and groups get something else`,
          ].join("\n\n"),
    );
    return flags["exit-code"] && !isSame ? 1 : 0;
  },
});

const section = (title: string, texts: readonly string[]): string =>
  [title, ...texts.flatMap((text) => text.split("\n")).map((line) => `  ${line}`)].join("\n");

function names(who: readonly string[]): string {
  const more = who.length - listedNames;
  return more > 0 ? `${who.slice(0, listedNames).join(", ")} and ${more} more` : who.join(", ");
}
