import type { IpxeSettings } from "./ipxe-settings.js";

/** A line of a script that was run, with its settings filled in. */
export interface RanLine {
  /** From 1. */
  line: number;
  command: string;
  /** What came of it, where there is something to say. */
  result?: string;
}

/** How the scripts end: with a kernel, or else. */
export type ScriptEnd =
  | { type: "kernel"; kernel: Image; initrds: Image[] }
  | { type: "disk" | "waits" | "asks" | "stopped" | "exit" | "failed" | "unknown"; because: string };

export interface Image {
  /** Absolute. */
  url: string;
  name: string;
  args: string[];
}

/** What a fetch came to. */
export interface Fetched {
  ok: boolean;
  /** `404: no such file`; of what is not followed: why. */
  because?: string;
  /** It lies elsewhere. */
  notFollowed?: boolean;
  /** Undefined: it is none. */
  script?: string | undefined;
}

export interface ScriptHost {
  settings: IpxeSettings;
  /** Fetches a script or an image by its absolute URL. */
  fetch(url: string, as: "script" | "kernel" | "initrd"): Promise<Fetched>;
  /** Told of each script before it runs; the list of lines grows while it does. */
  begin(url: string, lines: RanLine[]): void;
}

/** Scripts that one boot may run: more go round in a circle. */
const maxScripts = 64;
/** Lines that one script may run. */
const maxLines = 1000;

/** What is in iPXE's hands, whatever script runs. */
interface State {
  host: ScriptHost;
  kernel?: Image;
  initrds: Image[];
  /** Fetched by `imgfetch`, by name. */
  images: Map<string, { url: string; script?: string | undefined }>;
  menu: { title: string; items: { key: string; label: string }[] } | undefined;
  /** URL and text of what was run, to see circles. */
  ran: Set<string>;
  /** It slept on the way: it waits, and does not just turn in a circle. */
  slept: boolean;
  /** Where the innermost script that failed did so, and why. */
  failure?: string;
}

type Ended = { end: ScriptEnd };
/** A command's status: true is success. */
type Status = boolean | Ended | { goto: string } | { exit: boolean };

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

async function runCommand(state: State, base: string, words: string[], ran: RanLine): Promise<Status> {
  const [command = "", ...rest] = words;
  const handler = commands[command];
  if (!handler) {
    return end({
      type: "unknown",
      because: `${base}:${ran.line}: what iPXE's command ${command} would do is not known here`,
    });
  }
  const { options, args } = parsed(rest);
  return handler({ state, base, options, args, ran });
}

interface Call {
  state: State;
  /** URL of the script. */
  base: string;
  options: Map<string, string>;
  args: string[];
  ran: RanLine;
}

type Handler = (call: Call) => Status | Promise<Status>;

/** Options that have no value; `--name x` and `--name=x` do. */
const flags = new Set(["autofree", "replace", "no-describe", "keep", "gap", "preserve", "keep-san"]);

/** Options come first, as with getopt in iPXE. */
function parsed(words: readonly string[]): { options: Map<string, string>; args: string[] } {
  const options = new Map<string, string>();
  let at = 0;
  for (; at < words.length && /^-/.test(words[at]!); at++) {
    const [, name = "", value] = /^--?([\w-]+)(?:=(.*))?$/.exec(words[at]!) ?? [];
    if (value !== undefined || flags.has(name) || /^[akn]$/.test(name)) options.set(name, value ?? "");
    else options.set(name, words[++at] ?? "");
  }
  return { options, args: words.slice(at) };
}

const end = (reason: ScriptEnd): Ended => ({ end: reason });
const done: Handler = () => true;

const nameOf = (url: string, options: Call["options"]): string =>
  options.get("name") ?? options.get("n") ?? new URL(url).pathname.split("/").at(-1) ?? "";

async function getImage({ state, base, options, args, ran }: Call, as: "kernel" | "initrd" | "script") {
  const [address = "", ...more] = args;
  const url = resolved(address, base);
  if (url === undefined) {
    ran.result = `"${address}" is no URL`;
    return undefined;
  }
  const fetched = await state.host.fetch(url, as);
  if (!fetched.ok) {
    ran.result = fetched.because ?? "it could not be fetched";
    return undefined;
  }
  return { image: { url, name: nameOf(url, options), args: more }, fetched };
}

function resolved(address: string, base: string): string | undefined {
  return URL.canParse(address, base) ? new URL(address, base).href : undefined;
}

const chain: Handler = async (call) => {
  const got = await getImage(call, "script");
  if (!got) return false;
  return execute(call, got.image, got.fetched);
};

async function execute(call: Call, { url, args }: Image, fetched: Fetched): Promise<Status> {
  const { state, options, ran } = call;
  if (fetched.notFollowed)
    return end({ type: "stopped", because: `it goes on with ${url}, ${fetched.because}` });
  if (fetched.script === undefined) {
    // A program: another boot loader, a UEFI application.
    return end({ type: "kernel", kernel: { url, name: nameOf(url, options), args }, initrds: state.initrds });
  }
  const status = await runScript(state, url, fetched.script);
  if (status === false) ran.result = state.failure ?? "the script gave up";
  // Replaced: nothing comes after it.
  return options.has("replace") && typeof status === "boolean" ? { exit: status } : status;
}

const kernel: Handler = async (call) => {
  const got = await getImage(call, "kernel");
  if (!got) return false;
  call.state.kernel = got.image;
  return true;
};

const initrd: Handler = async (call) => {
  const got = await getImage(call, "initrd");
  if (!got) return false;
  call.state.initrds.push(got.image);
  return true;
};

const imgfetch: Handler = async (call) => {
  const got = await getImage(call, "script");
  if (!got) return false;
  call.state.images.set(got.image.name, { url: got.image.url, script: got.fetched.script });
  return true;
};

const boot: Handler = async (call) => {
  const { state, args, ran } = call;
  const [name, ...more] = args;
  const image = name === undefined ? undefined : state.images.get(name);
  if (image) return execute(call, { url: image.url, name: name!, args: more }, { ok: true, ...image });
  if (name !== undefined && name !== state.kernel?.name) return chain(call);
  if (!state.kernel) {
    ran.result = "there is nothing to boot";
    return false;
  }
  return end({
    type: "kernel",
    kernel: { ...state.kernel, args: more.length > 0 ? more : state.kernel.args },
    initrds: state.initrds,
  });
};

const choose: Handler = ({ state, options, args, ran }) => {
  const { menu } = state;
  if (!menu || menu.items.length === 0) {
    ran.result = "there is no menu";
    return false;
  }
  const wanted = options.get("default") ?? options.get("d") ?? menu.items[0]!.key;
  const chosen = menu.items.find(({ key }) => key === wanted) ?? menu.items[0]!;
  const timeout = Number(options.get("timeout") ?? options.get("t") ?? 0);
  if (timeout === 0) {
    return end({ type: "asks", because: `the menu "${menu.title}" waits for somebody to choose` });
  }
  ran.result = `nobody chooses within ${timeout / 1000} s: ${chosen.key} (${chosen.label})`;
  state.host.settings.set(args[0] ?? "", chosen.key);
  return true;
};

const prompt: Handler = ({ options, ran }) => {
  const timeout = Number(options.get("timeout") ?? options.get("t") ?? 0);
  if (timeout === 0) return end({ type: "asks", because: "it waits for somebody to press a key" });
  ran.result = "nobody presses a key";
  return false;
};

const sanboot: Handler = ({ options, args, ran }) => {
  if (args.length > 0) {
    return end({ type: "stopped", because: `it goes on with the disk ${args[0]}, which is not followed` });
  }
  ran.result = `its own disk, ${options.get("drive") ?? options.get("d") ?? "the first"}`;
  return end({ type: "disk", because: "the script boots the machine's own disk" });
};

/** Integers of `inc`. */
const inc: Handler = ({ state: { host }, args: [name = "", by = "1"] }) => {
  host.settings.set(name, String(Number(host.settings.get(name) ?? 0) + Number(by)));
  return true;
};

/** iPXE's commands (ipxe.org/cmd) that boot scripts use; of others nothing is assumed. */
const commands: Readonly<Record<string, Handler>> = {
  chain,
  imgexec: boot,
  boot,
  kernel,
  imgselect: kernel,
  initrd,
  module: initrd,
  imgfetch,
  imgargs: ({ state, args: [name, ...args] }) => {
    if (state.kernel?.name !== name || state.kernel === undefined) return false;
    state.kernel = { ...state.kernel, args };
    return true;
  },
  imgfree: ({ state }) => {
    delete state.kernel;
    state.initrds = [];
    state.images.clear();
    return true;
  },
  imgstat: done,
  set: ({ state: { host }, args: [name = "", ...value] }) => {
    host.settings.set(name, value.join(" "));
    return true;
  },
  clear: ({ state: { host }, args: [name = ""] }) => {
    host.settings.clear(name);
    return true;
  },
  inc,
  // iPXE expands first: what is not set is an empty word.
  isset: ({ args }) => args.length > 0 && args[0] !== "",
  iseq: ({ args: [one = "", other = ""] }) => one === other,
  goto: ({ args: [label = ""] }) => ({ goto: label }),
  exit: ({ args: [code = "0"] }) => ({ exit: code === "0" }),
  echo: done,
  sleep: ({ state }) => {
    state.slept = true;
    return true;
  },
  menu: ({ state, args }) => {
    state.menu = { title: args.join(" "), items: [] };
    return true;
  },
  item: ({ state, options, args: [key = "", ...label] }) => {
    if (!options.has("gap")) state.menu?.items.push({ key, label: label.join(" ") });
    return true;
  },
  choose,
  prompt,
  shell: () => end({ type: "asks", because: "it opens iPXE's shell for somebody" }),
  sanboot,
  dhcp: ({ ran }) => {
    ran.result = "it has an address already";
    return true;
  },
  ifconf: done,
  ifopen: done,
  ifstat: done,
  route: done,
  show: done,
  config: () => end({ type: "asks", because: "it opens iPXE's settings for somebody" }),
  colour: done,
  cpair: done,
  console: done,
  reboot: () => end({ type: "stopped", because: "it reboots, and begins anew" }),
  poweroff: () => end({ type: "stopped", because: "the script turns the machine off" }),
};
