import {
  type Call,
  end,
  type Fetched,
  type Handler,
  type Image,
  type RanLine,
  type State,
  type Status,
} from "./ipxe-state.js";

/** Does what a command does; of one that is not known nothing is assumed. */
export async function runCommand(state: State, base: string, words: string[], ran: RanLine): Promise<Status> {
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
  const status = await state.run(url, fetched.script);
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
