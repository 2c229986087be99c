import type { Context } from "../base/context.js";
import { errorCodes, isSlipwayError, messageOf, SlipwayError } from "../base/errors.js";
import type { EventBody } from "../base/events.js";
import { writeBugReport } from "./bug-report.js";
import type { Cli, OutputFormat } from "./cli.js";
import type { Command, FlagValues } from "./command.js";
import { createContext, leaveHome } from "./context.js";
import { withDefaults } from "./flag-values.js";
import type { globalFlags } from "./global-flags.js";
import { listenForInterrupts } from "./interrupts.js";
import { type Capabilities, capabilitiesOf } from "./output/capabilities.js";
import { createProgress } from "./output/create-progress.js";
import { renderError } from "./output/error-text.js";
import { EventLines } from "./output/event-lines.js";

/** A command with what was given on its command line. */
export interface CommandCall {
  command: Command;
  args: string[];
  flags: Record<string, unknown>;
  globals: FlagValues<typeof globalFlags>;
}

/** Runs a command at the edge: signals, progress, errors. @returns the exit code */
export async function execute(call: CommandCall): Promise<number> {
  const { command, globals } = call;
  const capabilities = capabilitiesOf(process.stderr, process.env, { noColor: globals["no-color"] });
  const output = globals.output as OutputFormat | undefined;
  const streams = output === "json" && streamsWith(command, call.flags);
  const lines = streams ? new EventLines(command.name, (line) => process.stdout.write(line)) : undefined;
  const progress = lines ?? createProgress(process.stderr, capabilities, globals);
  // What only tells (logs -f, status) has nothing to stop or to undo: it just ends.
  const works = command.streams !== undefined;
  const interrupts = listenForInterrupts({
    announce: (line) => works && progress.sink({ type: "info", message: line }),
    leaveCtrlC: command.passThrough === true,
  });
  const { context, kubeconfigFiles } = createContext(progress.sink, interrupts.signal);
  leaveHome(process.env, context.owner);
  try {
    checkOutput(command, output);
    const cli: Cli = {
      context,
      namedProfile: globals.profile,
      given: call.flags,
      profile: async () => globals.profile ?? (await import("../cluster/profiles.js")).activeProfile(context),
      kubeconfigFiles,
      workingDirectory: process.cwd(),
      slipwayHome: process.env.SLIPWAY_HOME || undefined,
      output: output ?? command.outputs?.[0] ?? "text",
      print: (text) => process.stdout.write(text.endsWith("\n") ? text : `${text}\n`),
      async show(value, asText) {
        this.print(await serialize(value, this.output, asText));
      },
      done(result, line) {
        if (lines) lines.result(result);
        else progress.close(globals.quiet ? undefined : line);
      },
    };
    const exitCode = await command.run(cli, call.args, withDefaults(command, call.flags));
    return exitCode ?? 0;
  } catch (thrown) {
    if (interrupts.readerGone()) return 0;
    if (interrupts.signal.aborted && !works) return errorCodes.INTERRUPTED.exitCode;
    // An operation that was interrupted may end in any error; the reason is ours.
    const error = interrupts.signal.aborted ? interrupts.signal.reason : thrown;
    if (lines) lines.sink(errorEvent(error));
    else {
      progress.close();
      await printError(error, globals.verbose, capabilities, context);
    }
    return exitCodeOf(error);
  } finally {
    progress.close();
  }
}

/** Prints an error from before a command was known. */
export function reportEarly(error: unknown, argv: readonly string[]): number {
  const capabilities = capabilitiesOf(process.stderr, process.env, { noColor: argv.includes("--no-color") });
  process.stderr.write(renderError(error, { color: capabilities.color }));
  return exitCodeOf(error);
}

const streamsWith = ({ streams }: Command, given: Record<string, unknown>): boolean =>
  typeof streams === "function" ? streams(given) : streams === true;

const exitCodeOf = (error: unknown): number =>
  isSlipwayError(error) ? error.exitCode : errorCodes.INTERNAL.exitCode;

function errorEvent(error: unknown): EventBody {
  const known = isSlipwayError(error) ? error : new SlipwayError("INTERNAL", messageOf(error));
  return {
    type: "error",
    code: known.code,
    exitCode: known.exitCode,
    message: known.message,
    details: known.details,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
  };
}

/** Prints an error; of a bug also where the whole report is. */
async function printError(
  error: unknown,
  verbose: boolean,
  { color }: Capabilities,
  context: Context,
): Promise<void> {
  const report = isSlipwayError(error)
    ? undefined
    : await writeBugReport(error, process.argv.slice(2), context);
  process.stderr.write(renderError(error, { color, verbose, ...(report ? { report } : {}) }));
}

function checkOutput(command: Command, output: OutputFormat | undefined): void {
  const allowed = command.outputs ?? ["text"];
  if (output === undefined || allowed.includes(output)) return;
  throw new SlipwayError("USAGE", `${command.name} cannot print ${output}`, {
    hint: `-o may be ${allowed.join(" or ")}`,
  });
}

async function serialize(value: unknown, output: OutputFormat, asText: () => string): Promise<string> {
  if (output === "json") return JSON.stringify(value, null, 2);
  if (output !== "yaml") return asText();
  const { toYaml } = await import("./output/yaml.js");
  return toYaml(value);
}
