import { addressFromValue, parseAddress } from "../../../net/address.js";
import { networkOf } from "../../../net/cidr.js";
import { leaseText } from "../convert/lab.js";
import type { NetworkForm } from "../lab-schema.js";
import type { Directive } from "./directives.js";
import { isIpv4 } from "./names.js";
import type { Note } from "./note.js";

/** What dnsmasq gives when a range has no netmask, and the interface is not at hand: of a private /24, as most are. */
const assumedPrefix = 24;

/** `dhcp-range=[tag:…,]start[,end|static|proxy][,netmask[,broadcast]][,lease]` as a network that still lacks its address. */
export function importRange(directive: Directive, note: Note): Partial<NetworkForm> | undefined {
  const fields = directive.value.split(",").map((field) => field.trim());
  if (fields.some((field) => /^(tag|net|set):/.test(field))) {
    note("assumed", directive, "for every machine of the network: there are no tags");
  }
  const rest = fields.filter((field) => field !== "" && !/^(tag|net|set):/.test(field));
  const [start, second, ...others] = rest;
  if (start === undefined || !isIpv4(start)) {
    note("lost", directive, "slipway leases IPv4 addresses");
    return undefined;
  }
  const addresses = [second, ...others].filter(
    (field): field is string => field !== undefined && isIpv4(field),
  );
  const isMode = second === "proxy" || second === "static";
  const end = isMode || second === undefined || !isIpv4(second) ? undefined : second;
  const mask = addresses.find((address) => address !== end && prefixOf(address) !== undefined);
  const prefix = mask === undefined ? assumedPrefix : prefixOf(mask)!;
  const subnet = networkOf(`${start}/${prefix}`).text;
  if (mask === undefined) note("assumed", directive, `the subnet ${subnet}: the range has no netmask`);
  const lease = [second, ...others].find(
    (field) => field !== undefined && /^(\d+[smhdw]?|infinite)$/.test(field),
  );
  return {
    subnet,
    mode: second === "proxy" ? "proxy" : "dhcp",
    ...(end === undefined ? {} : { range: `${start}-${end}` }),
    ...(lease === undefined ? {} : leaseOf(lease, directive, note)),
  };
}

/** Undefined: it is no netmask. */
function prefixOf(mask: string): number | undefined {
  const bits = parseAddress(mask).value.toString(2).padStart(32, "0");
  return /^1+0+$/.test(bits) ? bits.indexOf("0") : undefined;
}

const unitSeconds: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const yearSeconds = 365 * 86_400;

function leaseOf(text: string, directive: Directive, note: Note): Pick<NetworkForm, "leaseTime"> {
  const [, amount, unit = ""] = /^(\d+)([smhdw]?)$/.exec(text) ?? [];
  const seconds = amount === undefined ? Number.POSITIVE_INFINITY : Number(amount) * unitSeconds[unit]!;
  if (seconds > yearSeconds) note("assumed", directive, "a lease of a year: slipway's do not hold for ever");
  return { leaseTime: leaseText(Math.max(1, Math.min(seconds, yearSeconds))) };
}

/** A range that leaves an address out: the larger part of it. */
export function rangeWithout(range: string, address: string): string | undefined {
  const [first, last] = range.split("-").map((text) => parseAddress(text!).value) as [bigint, bigint];
  const { value } = parseAddress(address);
  if (value < first || value > last) return range;
  const [from, to] = value - first >= last - value ? [first, value - 1n] : [value + 1n, last];
  return from > to ? undefined : `${addressFromValue(from, 4).text}-${addressFromValue(to, 4).text}`;
}

/** The first address of a subnet that can be a machine's. */
export const firstHost = (subnet: string): string => addressFromValue(networkOf(subnet).first + 1n, 4).text;
