import { runCommand } from "./ipxe-commands.js";
import {
  type Ended,
  end,
  type RanLine,
  type ScriptEnd,
  type ScriptHost,
  type State,
  type Status,
} from "./ipxe-state.js";

/** Scripts that one boot may run: more go round in a circle. */
const maxScripts = 64;
/** Lines that one script may run. */
const maxLines = 1000;

/**
 * Runs a script as iPXE does (src/image/script.c, src/core/exec.c), and those that it chains to: a line that fails ends it,
 * unless `||` takes care of that. Nobody is at the keyboard.
 */
export async function runScripts(host: ScriptHost, url: string, script: string): Promise<ScriptEnd> {
  const state: State = {
    host,
    initrds: [],
    images: new Map(),
    menu: undefined,
    ran: new Set(),
    slept: false,
    run: (other, text) => runScript(state, other, text),
  };
  const status = await runScript(state, url, script);
  if (typeof status === "object" && "end" in status) return status.end;
  return status === true
    ? { type: "exit", because: "the script ended without booting anything; iPXE goes back to the firmware" }
    : { type: "failed", because: state.failure ?? "the script gave up; iPXE goes back to the firmware" };
}

async function runScript(state: State, url: string, text: string): Promise<boolean | Ended> {
  const key = `${url}\n${text}`;
  if (state.ran.has(key) || state.ran.size >= maxScripts) {
    return end(
      state.slept
        ? { type: "waits", because: `it asks again, and gets the same: ${url}` }
        : { type: "stopped", because: `the scripts go round in a circle: ${url} was run already` },
    );
  }
  state.ran.add(key);
  const lines: RanLine[] = [];
  state.host.begin(url, lines);
  if (!text.startsWith("#!ipxe") && !text.startsWith("#!gpxe")) {
    return end({ type: "failed", because: `${url} is no iPXE script: it does not begin with #!ipxe` });
  }
  state.host.settings.set("cwuri", url);
  const source = text.split("\n").map((line) => line.trim());
  let last = true;
  for (let at = 0, count = 0; at < source.length; at++) {
    const line = source[at]!;
    if (line === "" || line.startsWith("#") || line.startsWith(":")) continue;
    if (++count > maxLines) return end({ type: "stopped", because: `${url} goes round in a circle` });
    const status = await runLine(state, url, line, at + 1, lines);
    if (typeof status === "object") {
      if ("end" in status) return status;
      if ("exit" in status) {
        if (!status.exit) state.failure ??= `${url}:${at + 1}: the script gives up here`;
        return status.exit;
      }
      const target = source.findIndex((candidate) => candidate.split(/\s/)[0] === `:${status.goto}`);
      if (target < 0) {
        return end({ type: "failed", because: `${url}:${at + 1}: there is no label ${status.goto}` });
      }
      at = target;
      last = true;
      continue;
    }
    last = status;
    if (!last) {
      const result = lines.findLast((ran) => ran.line === at + 1)?.result;
      state.failure ??= `${url}:${at + 1}: ${result ?? "the command failed"}`;
      return false;
    }
  }
  return last;
}

/** Commands joined by `||`, `&&` and `;`, each expanded when its turn comes. */
async function runLine(
  state: State,
  url: string,
  line: string,
  number: number,
  lines: RanLine[],
): Promise<Status> {
  const words = line.split(/\s+/);
  let status: Status = true;
  let runs = true;
  for (let from = 0; ; ) {
    const length = words.slice(from).findIndex((word) => separators.has(word) || word.startsWith("#"));
    const to = length < 0 ? words.length : from + length;
    if (runs) {
      const args = words.slice(from, to).map((word) => state.host.settings.expand(word));
      const ran: RanLine = { line: number, command: args.join(" ") };
      if (args.length > 0) lines.push(ran);
      // An empty command succeeds.
      status = args.length === 0 || (await runCommand(state, url, args, ran));
      if (typeof status === "object") return status;
    }
    const separator = words[to];
    if (separator === undefined || separator.startsWith("#")) return status;
    runs = separator === ";" || (separator === "&&") === status;
    from = to + 1;
  }
}

const separators = new Set(["||", "&&", ";"]);
