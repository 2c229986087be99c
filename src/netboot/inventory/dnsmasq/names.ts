import { isAddress, parseAddress } from "../../../net/address.js";
import type { LabForm } from "../lab-schema.js";
import type { Directive } from "./directives.js";
import type { Note } from "./note.js";

/** What dnsmasq answers of names: `address=/host/ip`, `host-record=…`, `server=…`. */
export function importNames(directives: readonly Directive[], note: Note): NonNullable<LabForm["dns"]> {
  const records = new Map<string, string[]>();
  const forward: string[] = [];
  const add = (name: string, address: string) => {
    const known = records.get(name) ?? [];
    if (!known.includes(address)) records.set(name, [...known, address]);
  };
  for (const directive of directives) {
    const { name, value } = directive;
    switch (name) {
      case "address": {
        const [, ...parts] = value.split("/");
        const address = parts.pop() ?? "";
        const usable = parts.filter((part) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(part));
        if (!isIpv4(address) || usable.length === 0 || usable.length < parts.length) {
          note("lost", directive, "DNS records are names with IPv4 addresses");
        } else for (const host of usable) add(host.toLowerCase(), address);
        break;
      }
      case "host-record": {
        const parts = value.split(",").map((part) => part.trim());
        const addresses = parts.filter(isIpv4);
        const names = parts.filter((part) => /[a-z]/i.test(part) && !part.includes(":"));
        if (addresses.length === 0) note("lost", directive, "DNS records are names with IPv4 addresses");
        else {
          for (const host of names) for (const address of addresses) add(host.toLowerCase(), address);
          note("assumed", directive, "with all names below it, as DNS records are");
        }
        break;
      }
      case "server": {
        const [address = "", port] = value.split("@")[0]!.split("#");
        if (isIpv4(address)) forward.push(port === undefined ? address : `${address}:${port}`);
        else note("lost", directive, "questions are forwarded by server, not by domain");
        break;
      }
      case "no-resolv":
        if (!directives.some((other) => other.name === "server")) break;
        note("built-in", directive, "only the servers in dns.forward are asked");
    }
  }
  const isForwarding = directives.some(({ name }) => name === "server" || name === "no-resolv");
  const isOff = directives.some(({ name, value }) => name === "port" && value === "0");
  if (!isForwarding && !isOff) {
    note("lost", undefined, "dnsmasq asks the servers of /etc/resolv.conf: write them into dns.forward");
  }
  return {
    ...(records.size === 0 ? {} : { records: Object.fromEntries(records) }),
    ...(forward.length === 0 ? {} : { forward }),
  };
}

export const isIpv4 = (text: string): boolean => isAddress(text) && parseAddress(text).family === 4;
