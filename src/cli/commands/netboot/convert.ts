import { relative, resolve } from "node:path";
import { defineCommand } from "../../command.js";
import { usage } from "../../usage.js";
import { inventoryArgument } from "./inventory-argument.js";

export const convert = defineCommand({
  name: "netboot convert",
  summary: "Write a lab in the other form: a lab.yaml, or matchbox's layout",
  description: "What the other form cannot say is told, each by its name.",
  arguments: [
    inventoryArgument,
    { name: "DIR", summary: "Where to write: a directory that is empty or not there", complete: "file" },
  ],
  flags: {
    to: { type: "string", value: "FORM", summary: "The form to write", choices: ["lab", "matchbox"] },
  },
  examples: [
    ["netboot convert /var/lib/matchbox lab/ --to lab", "a matchbox data directory as a lab.yaml"],
    ["netboot convert lab/ data/ --to matchbox", "for a matchbox"],
  ],
  async run(cli, [lab, directory], { to }) {
    if (to === undefined) throw usage("netboot convert needs --to", "--to lab or --to matchbox");
    const [{ convertInventory }, { inventoryProblemText }] = await Promise.all([
      import("../../../netboot/inventory/convert/convert.js"),
      import("../../../netboot/inventory/problem.js"),
    ]);
    const from = resolve(cli.workingDirectory, lab!);
    const target = resolve(cli.workingDirectory, directory!);
    const { files, lost, problems } = await convertInventory(from, to as "lab" | "matchbox", target);
    const warn = (message: string) => cli.context.events({ type: "warning", message });
    for (const problem of problems) warn(inventoryProblemText(problem));
    for (const one of lost) warn(`not carried over: ${one}`);
    const where = relative(cli.workingDirectory, target) || ".";
    cli.done({ files, lost }, `${files.length} ${files.length === 1 ? "file" : "files"} in ${where}`);
  },
});
