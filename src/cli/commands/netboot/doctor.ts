import { errorCodes } from "../../../base/errors.js";
import { defineCommand } from "../../command.js";

export const doctor = defineCommand({
  name: "netboot doctor",
  summary: "Look at an interface that machines are to boot from: what is in the way, and the fix",
  description: `Link, address, MTU, ports, firewall, and other DHCP servers on the wire, which it asks with a DISCOVER of no machine's MAC. The exit code is ${errorCodes.PREFLIGHT_FAILED.exitCode} when there are problems.`,
  arguments: [{ name: "INTERFACE", summary: "br0, eth1, …" }],
  outputs: ["text", "json", "yaml"],
  examples: [["netboot doctor br0", "before, or while, a lab is served there"]],
  async run(cli, [name]) {
    const { examine } = await import("../../../netboot/doctor/doctor.js");
    const findings = await examine(name!, cli.context.signal);
    const marks = { ok: "ok", warning: "WARNING", problem: "PROBLEM", unknown: "unknown" } as const;
    const width = Math.max(...findings.map(({ check }) => check.length));
    await cli.show(findings, () =>
      findings
        .flatMap(({ check, result, found, fix }) => [
          `${marks[result].padEnd(7)}  ${check.padEnd(width)}  ${found}`,
          ...(fix === undefined ? [] : [`${" ".repeat(11 + width)}try  ${fix}`]),
        ])
        .join("\n"),
    );
    return findings.some(({ result }) => result === "problem") ? errorCodes.PREFLIGHT_FAILED.exitCode : 0;
  },
});
