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

/** What is in iPXE's hands, whatever script runs. */
export interface State {
  host: ScriptHost;
  /** Runs another script, inside the one that is running. */
  run(url: string, script: string): Promise<boolean | Ended>;
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

export type Ended = { end: ScriptEnd };
/** A command's status: true is success. */
export type Status = boolean | Ended | { goto: string } | { exit: boolean };

/** A command on its turn. */
export interface Call {
  state: State;
  /** URL of the script. */
  base: string;
  options: Map<string, string>;
  args: string[];
  ran: RanLine;
}

export type Handler = (call: Call) => Status | Promise<Status>;

export const end = (reason: ScriptEnd): Ended => ({ end: reason });
