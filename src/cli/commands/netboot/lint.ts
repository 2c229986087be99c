import { join, relative, resolve } from "node:path";
import { errorCodes } from "../../../base/errors.js";
import { defineCommand } from "../../command.js";
import { inventoryArgument } from "./inventory-argument.js";

export const lint = defineCommand({
  name: "netboot lint",
  summary: "Say all that is wrong with a lab, with file and line",
  description: `Reads every file, and renders what every group and every machine gets. The exit code is ${errorCodes.CONFIG_INVALID.exitCode} when there are errors; with --strict also when there are warnings.`,
  arguments: [inventoryArgument],
  flags: {
    strict: { type: "boolean", summary: "Fail on warnings too" },
  },
  outputs: ["text", "json", "yaml"],
  examples: [
    ["netboot lint lab/", "before it is served"],
    ["netboot lint lab/ --strict -o json", "in CI"],
  ],
  async run(cli, [lab], { strict }) {
    const [{ lintInventory }, { inventoryProblemText, isError }] = await Promise.all([
      import("../../../netboot/inventory/lint/lint.js"),
      import("../../../netboot/inventory/problem.js"),
    ]);
    const { directory, problems } = await lintInventory(resolve(cli.workingDirectory, lab!));
    const shown = relative(cli.workingDirectory, directory);
    const placed = problems.map((problem) => ({
      ...problem,
      place: { ...problem.place, file: join(shown, problem.place.file) },
    }));
    const errors = placed.filter(isError).length;
    const warnings = placed.length - errors;
    await cli.show({ errors, warnings, problems: placed }, () =>
      [
        ...placed.map((problem) => `${problem.severity.padEnd(7)} ${inventoryProblemText(problem)}`),
        placed.length === 0
          ? `${lab} is in order`
          : `${count(errors, "error")}, ${count(warnings, "warning")}`,
      ].join("\n"),
    );
    return errors > 0 || (strict && warnings > 0) ? errorCodes.CONFIG_INVALID.exitCode : 0;
  },
});

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
