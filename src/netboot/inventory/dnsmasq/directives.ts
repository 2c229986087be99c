import { SlipwayError } from "../../../base/errors.js";
import type { Place } from "../types.js";

/** One option of dnsmasq: `--dhcp-range=…` on a command line, `dhcp-range=…` in a dnsmasq.conf (dnsmasq(8)). */
export interface Directive {
  name: string;
  /** Empty: a switch. */
  value: string;
  /** Where, in a file. */
  place?: Place;
}

/** Short options with the long name that they stand for; a colon: takes a value. */
const shortOptions: Record<string, string> = {
  A: "address:",
  B: "bogus-nxdomain:",
  C: "conf-file:",
  D: "domain-needed",
  E: "expand-hosts",
  F: "dhcp-range:",
  G: "dhcp-host:",
  H: "addn-hosts:",
  I: "except-interface:",
  J: "dhcp-ignore:",
  K: "dhcp-authoritative",
  L: "localmx",
  M: "dhcp-boot:",
  N: "no-negcache",
  O: "dhcp-option:",
  P: "edns-packet-max:",
  Q: "query-port:",
  R: "no-resolv",
  S: "server:",
  T: "local-ttl:",
  U: "dhcp-vendorclass:",
  V: "alias:",
  W: "srv-host:",
  X: "dhcp-lease-max:",
  Y: "txt-record:",
  Z: "read-ethers",
  a: "listen-address:",
  b: "bogus-priv",
  c: "cache-size:",
  d: "no-daemon",
  e: "selfmx",
  f: "filterwin2k",
  g: "group:",
  h: "no-hosts",
  i: "interface:",
  j: "dhcp-userclass:",
  k: "keep-in-foreground",
  l: "dhcp-leasefile:",
  m: "mx-host:",
  n: "no-poll",
  o: "strict-order",
  p: "port:",
  q: "log-queries",
  r: "resolv-file:",
  s: "domain:",
  t: "mx-target:",
  u: "user:",
  x: "pid-file:",
  y: "localise-queries",
  z: "bind-interfaces",
};

/** Long options whose value may stand in the next word. */
const takesValue = new Set([
  ...Object.values(shortOptions).flatMap((name) => (name.endsWith(":") ? [name.slice(0, -1)] : [])),
  ...["dhcp-match", "dhcp-mac", "dhcp-option-force", "pxe-service", "pxe-prompt", "tftp-root", "host-record"],
  ...["cname", "local", "rev-server", "log-facility", "tag-if", "dhcp-relay", "dhcp-script", "conf-dir"],
]);

/**
 * Reads dnsmasq's words of a command line. What stands before the program or its container image, as `docker run …
 * quay.io/coreos/dnsmasq`, is passed over.
 *
 * @throws {SlipwayError} `USAGE` for a word that is no option
 */
export function readFlags(words: readonly string[]): Directive[] {
  const program = words.findLastIndex((word) => /(^|\/)dnsmasq(:[\w.-]+)?$/.test(word));
  const directives: Directive[] = [];
  const rest = words.slice(program + 1).filter((word) => word.trim() !== "" && word !== "\\");
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    const [, long, value] = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (long !== undefined) {
      const next = value === undefined && takesValue.has(long) ? rest[++at] : undefined;
      directives.push({ name: long, value: value ?? next ?? "" });
      continue;
    }
    const short = shortOptions[word[1] ?? ""];
    if (!word.startsWith("-") || short === undefined) {
      throw new SlipwayError("USAGE", `${JSON.stringify(word)} is no option of dnsmasq`, {
        hint: "give the options as dnsmasq takes them: slipway netboot import-dnsmasq -- --dhcp-range=…",
      });
    }
    if (!short.endsWith(":")) {
      directives.push({ name: short, value: "" });
      if (word.length > 2) rest.splice(at + 1, 0, `-${word.slice(2)}`); // -dq
      continue;
    }
    const attached = word.slice(2).replace(/^=/, "");
    directives.push({ name: short.slice(0, -1), value: attached || (rest[++at] ?? "") });
  }
  return directives;
}

/** Reads a dnsmasq.conf: one option a line without its dashes, `#` begins a comment, quotes keep commas and hashes. */
export function readConf(text: string, file: string): Directive[] {
  return text.split("\n").flatMap((raw, i) => {
    const line = withoutComment(raw).trim();
    if (line === "") return [];
    const equals = line.indexOf("=");
    const name = (equals === -1 ? line : line.slice(0, equals)).trim().replace(/^--/, "");
    const value = equals === -1 ? "" : line.slice(equals + 1).trim();
    return [{ name, value: unquoted(value), place: { file, line: i + 1 } }];
  });
}

function withoutComment(line: string): string {
  let quoted = false;
  for (const [i, character] of [...line].entries()) {
    if (character === '"') quoted = !quoted;
    if (character === "#" && !quoted && (i === 0 || /\s/.test(line[i - 1]!))) return line.slice(0, i);
  }
  return line;
}

const unquoted = (value: string): string => value.replace(/"([^"]*)"/g, "$1");
