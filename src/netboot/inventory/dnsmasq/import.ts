import { contains } from "../../../net/cidr.js";
import { apiVersion } from "../../../spec/schema.js";
import type { LabForm, NetworkForm } from "../lab-schema.js";
import { importBoot } from "./boot.js";
import type { Directive } from "./directives.js";
import { importHosts } from "./hosts.js";
import { importNames, isIpv4 } from "./names.js";
import { type ImportNote, type Note, optionText } from "./note.js";
import { importOption } from "./options.js";
import { firstHost, importRange, rangeWithout } from "./range.js";

export interface DnsmasqImport {
  lab: LabForm;
  notes: ImportNote[];
}

/** Options that other functions here read. */
const readElsewhere = new Set([
  ...["dhcp-range", "dhcp-host", "dhcp-option", "dhcp-option-force", "dhcp-match", "dhcp-vendorclass"],
  ...["dhcp-userclass", "dhcp-boot", "pxe-service", "pxe-prompt", "address", "host-record", "server"],
  ...["interface", "listen-address", "domain", "no-resolv"],
]);

/** What slipway does anyway, or what makes no difference to it. */
const builtIn: Record<string, string> = {
  "enable-tftp": "TFTP is on, and gives the boot files alone",
  "tftp-root": "TFTP gives slipway's own boot files, never a directory; other files belong into assets",
  "tftp-secure": "TFTP gives slipway's own boot files, never a directory",
  "tftp-single-port": "TFTP can do so",
  "log-queries": "every machine has a timeline: slipway netboot watch",
  "log-dhcp": "every machine has a timeline: slipway netboot watch",
  "log-facility": "slipway logs to stderr",
  "no-daemon": "slipway stays in the foreground",
  "keep-in-foreground": "slipway stays in the foreground",
  "bind-interfaces": "it listens for the networks of the lab alone",
  "bind-dynamic": "it listens for the networks of the lab alone",
  "no-hosts": "the host's /etc/hosts is not read",
  "no-poll": "the lab is watched, /etc/resolv.conf is not",
};

/**
 * A lab of what dnsmasq was told, and what could not be carried over, what is built in now and what was assumed, option by
 * option.
 *
 * @param address this server's own, which dnsmasq takes from its interface
 */
export function importDnsmasq(
  directives: readonly Directive[],
  { address }: { address?: string | undefined } = {},
): DnsmasqImport {
  const notes: ImportNote[] = [];
  const note: Note = (kind, directive, message) =>
    notes.push({ kind, option: directive ? optionText(directive) : "", message });
  const dns = importNames(directives, note);
  const machines = importHosts(directives, note);
  const networks = importNetworks(directives, dns, address, note);
  const boot = importBoot(directives, note);
  for (const directive of directives) {
    if (readElsewhere.has(directive.name)) continue;
    const said = builtIn[directive.name];
    if (said !== undefined) note("built-in", directive, said);
    else note("lost", directive, "slipway has nothing like it");
  }
  tellUnresolvable(boot.http?.url, dns, note);
  const placed = machines.map((machine) => {
    if (machine.address === undefined || networks.some(({ subnet }) => contains(subnet, machine.address!))) {
      return machine;
    }
    note("lost", undefined, `the address ${machine.address} of ${machine.name}: it is in no range's subnet`);
    const { address: _, ...rest } = machine;
    return rest;
  });
  const [first, second] = networks;
  const lab: LabForm = {
    apiVersion,
    kind: "Lab",
    ...(first && !second ? { network: first } : {}),
    ...(second ? { networks } : {}),
    ...(Object.keys(dns).length > 0 ? { dns } : {}),
    ...(placed.length > 0 ? { machines: placed } : {}),
    ...boot,
  };
  return { lab, notes };
}

function importNetworks(
  directives: readonly Directive[],
  dns: NonNullable<LabForm["dns"]>,
  given: string | undefined,
  note: Note,
): NetworkForm[] {
  const interfaces = directives.filter(({ name }) => name === "interface");
  const domain = directives.find(({ name }) => name === "domain");
  const networks: NetworkForm[] = [];
  for (const directive of directives) {
    if (directive.name !== "dhcp-range") continue;
    const range = importRange(directive, note);
    if (!range?.subnet || !range.mode) continue;
    if (networks.some(({ subnet }) => subnet === range.subnet)) {
      note("lost", directive, `a network has one range, and ${range.subnet} has one already`);
      continue;
    }
    const address = serverAddress(range.subnet, directives, dns, given, note);
    const network: NetworkForm = { address, subnet: range.subnet, mode: range.mode };
    const own = interfaces[networks.length];
    if (own !== undefined) network.interface = own.value.split(",")[0]!;
    if (range.range !== undefined) keepRange(network, range.range, directive, note);
    if (range.leaseTime !== undefined) network.leaseTime = range.leaseTime;
    // By default dnsmasq tells machines that it is their router itself.
    if (range.mode === "dhcp") network.router = address;
    if (domain) network.domain = domain.value.split(",")[0]!.toLowerCase();
    for (const option of directives)
      if (/^dhcp-option(-force)?$/.test(option.name)) importOption(option, network, note);
    networks.push(network);
  }
  for (const directive of interfaces.slice(networks.length))
    note("lost", directive, "no dhcp-range goes with it");
  if (domain && /,/.test(domain.value)) note("lost", domain, "a domain is for a whole network");
  return networks;
}

/** What was given, what it listens on, what a name of this lab points to; else the subnet's first. */
function serverAddress(
  subnet: string,
  directives: readonly Directive[],
  dns: NonNullable<LabForm["dns"]>,
  given: string | undefined,
  note: Note,
): string {
  if (given !== undefined && contains(subnet, given)) return given;
  const listens = directives
    .filter(({ name }) => name === "listen-address")
    .flatMap(({ value }) => value.split(","))
    .find((address) => isIpv4(address) && contains(subnet, address));
  if (listens !== undefined) return listens;
  const named = Object.entries(dns.records ?? {})
    .flatMap(([name, to]) => [to].flat().map((address) => ({ name, address })))
    .find((record) => contains(subnet, record.address));
  const address = named?.address ?? firstHost(subnet);
  const why = named ? `that is where ${named.name} points to` : "dnsmasq takes it from its interface";
  note(
    "assumed",
    undefined,
    `${address} is this server's address in ${subnet}: ${why}; --address says another`,
  );
  return address;
}

function keepRange(network: NetworkForm, range: string, directive: Directive, note: Note): void {
  const kept = rangeWithout(range, network.address);
  if (kept !== range)
    note("assumed", directive, `the range ${kept ?? "is left out"}: it held this server's own address`);
  if (kept !== undefined) network.range = kept;
}

/** The seed of many labs: a URL by a name that nothing in them answers for. */
function tellUnresolvable(url: string | undefined, dns: NonNullable<LabForm["dns"]>, note: Note): void {
  if (url === undefined) return;
  const host = new URL(url).hostname;
  if (isIpv4(host)) return;
  const names = Object.keys(dns.records ?? {});
  if (names.some((name) => host === name || host.endsWith(`.${name}`))) return;
  note(
    "assumed",
    undefined,
    `machines can resolve ${host}, of http.url: no DNS record here says its address`,
  );
}
