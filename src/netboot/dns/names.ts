import type { LabDns } from "../inventory/types.js";

/** A machine's name and address, as its lease has them. */
export interface DnsHost {
  /** Without the domain. */
  name: string;
  address: string;
  domain?: string;
}

/** What is known here. Names in any case, without a final dot. */
export interface DnsNames {
  records: LabDns["records"];
  /** Domains of the lab: a name below one that no machine has does not exist, and nobody else is asked. */
  domains: readonly string[];
  /** The machines of this name (in lower case, without a domain). */
  hostsNamed(name: string): readonly DnsHost[];
  hostAt(address: string): DnsHost | undefined;
}

/** The most specific record that a name is, or lies below: `--address` of dnsmasq. */
export function recordOf(name: string, records: LabDns["records"]): LabDns["records"][number] | undefined {
  let best: LabDns["records"][number] | undefined;
  for (const record of records) {
    if (isAtOrBelow(name, record.name) && (!best || record.name.length > best.name.length)) best = record;
  }
  return best;
}

export const isAtOrBelow = (name: string, domain: string): boolean => {
  const [lower, of] = [name.toLowerCase(), domain.toLowerCase()];
  return lower === of || lower.endsWith(`.${of}`);
};

/** Machines by what was asked for: `node1`, or `node1.lab.example`. */
export function hostsOf(name: string, names: DnsNames): readonly DnsHost[] {
  const [first = "", ...rest] = name.toLowerCase().split(".");
  const domain = rest.join(".");
  return names
    .hostsNamed(first)
    .filter((host) => domain === "" || domain === (host.domain ?? "").toLowerCase());
}

/** The IPv4 address that `4.3.2.1.in-addr.arpa` asks about (RFC 1035 §3.5). */
export function reversedAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i.exec(name);
  return match?.slice(1).reverse().join(".");
}
