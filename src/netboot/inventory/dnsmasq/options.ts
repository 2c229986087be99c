import type { NetworkForm } from "../lab-schema.js";
import type { OptionForm } from "../lab-values.js";
import type { Directive } from "./directives.js";
import { isIpv4 } from "./names.js";
import type { Note } from "./note.js";

/** dnsmasq's names of options (`dnsmasq --help dhcp`), those that are met where machines boot. */
const optionNumbers: Record<string, number> = {
  netmask: 1,
  "time-offset": 2,
  router: 3,
  "dns-server": 6,
  "log-server": 7,
  "lpr-server": 9,
  hostname: 12,
  "boot-file-size": 13,
  "domain-name": 15,
  "swap-server": 16,
  "root-path": 17,
  "ip-forward-enable": 19,
  "default-ttl": 23,
  mtu: 26,
  broadcast: 28,
  "static-route": 33,
  "nis-domain": 40,
  "nis-server": 41,
  "ntp-server": 42,
  "vendor-encap": 43,
  "netbios-ns": 44,
  "lease-time": 51,
  "server-ip-address": 54,
  "vendor-class": 60,
  "tftp-server": 66,
  "bootfile-name": 67,
  "smtp-server": 69,
  "domain-search": 119,
  "sip-server": 120,
  "classless-static-route": 121,
  "vendor-id-encap": 125,
};

/** Sizes of those that are numbers (RFC 2132). */
const numberBytes: Record<number, 1 | 2 | 4> = { 2: 4, 13: 2, 19: 1, 23: 1, 24: 4, 26: 2, 35: 4, 38: 4 };
const bootOptions = [43, 60, 66, 67, 93, 94, 97];

/** `dhcp-option=option:router,10.0.0.1`: into the network's own words, or its further options. */
export function importOption(directive: Directive, network: Partial<NetworkForm>, note: Note): void {
  const fields = directive.value.split(",").map((field) => field.trim());
  if (/^(tag|net|vendor|encap|vi-encap):/.test(fields[0] ?? "")) {
    note("lost", directive, "options are for a whole network; there are no tags");
    return;
  }
  const [word = "", ...values] = fields;
  const code = /^\d+$/.test(word) ? Number(word) : optionNumbers[word.replace(/^option:/, "")];
  if (code === undefined) {
    note(
      "lost",
      directive,
      word.startsWith("option6:") ? "slipway speaks DHCP for IPv4" : "the option is not known",
    );
    return;
  }
  // 0.0.0.0 is dnsmasq's word for its own address.
  const addresses = values.map((value) => (value === "0.0.0.0" && network.address ? network.address : value));
  const areAddresses = addresses.length > 0 && addresses.every(isIpv4);
  if (code === 3 && addresses.length === 0) delete network.router;
  else if (code === 3 && areAddresses) {
    network.router = addresses[0]!;
    if (addresses.length > 1) note("lost", directive, `a network has one router; ${addresses[0]} is kept`);
  } else if (code === 6 && (areAddresses || addresses.length === 0)) network.dns = addresses;
  else if (code === 42 && areAddresses) network.ntp = addresses;
  else if (code === 15 && values.length === 1) network.domain = values[0]!.toLowerCase();
  else if (code === 1 || code === 28) note("built-in", directive, "it follows from the subnet");
  else if (bootOptions.includes(code)) note("built-in", directive, "boot information is slipway's own");
  else if ([50, 51, 52, 53, 54, 55, 57, 58, 59, 61, 82].includes(code)) {
    note("built-in", directive, "the server fills it in itself");
  } else {
    const option = optionForm(code, values, areAddresses);
    if (option) network.options = [...(network.options ?? []).filter((other) => other.code !== code), option];
    else note("lost", directive, "write its bytes: options: [{code: …, hex: …}]");
  }
}

function optionForm(code: number, values: readonly string[], areAddresses: boolean): OptionForm | undefined {
  const [value = ""] = values;
  const bytes = numberBytes[code];
  if (areAddresses && bytes === undefined && code !== 121) return { code, addresses: [...values] };
  if (bytes !== undefined && /^\d+$/.test(value)) return { code, [`uint${bytes * 8}`]: Number(value) };
  if (/^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(value) && value.includes(":"))
    return { code, hex: value.replaceAll(":", "") };
  if (code === 119) return { code, hex: domainSearch(values) };
  if (code === 121 || values.length !== 1 || value === "" || /^\d+$/.test(value)) return undefined;
  return { code, text: value };
}

/** RFC 3397, without compression. */
const domainSearch = (domains: readonly string[]): string =>
  Buffer.concat(
    domains.map((domain) =>
      Buffer.concat([
        ...domain.split(".").map((label) => Buffer.from(String.fromCharCode(label.length) + label, "latin1")),
        Buffer.from([0]),
      ]),
    ),
  ).toString("hex");
