import type { MachineIndex } from "../inventory/snapshot.js";
import type { DhcpPacket } from "./codec.js";
import { bytesOfAddresses, domainBytes, option, textBytes, uint32Bytes } from "./options.js";
import type { Turn } from "./turn.js";

/** How long a lease holds, and when to renew it (RFC 2131 §4.4.5). */
export function leaseOptions({ options }: DhcpPacket, seconds: number): void {
  options.set(option.leaseTime, uint32Bytes(seconds));
  options.set(option.renewalTime, uint32Bytes(Math.floor(seconds / 2)));
  options.set(option.rebindingTime, uint32Bytes(Math.floor((seconds * 7) / 8)));
}

/** What a network's clients are told: the needed always, the rest to who asks for it or gives no list (option 55). */
export function networkOptions({ options }: DhcpPacket, { request, view, machine }: Turn): void {
  const { network } = view;
  const asked = request.options.get(option.parameterList);
  const wants = (code: number): boolean => asked === undefined || asked.includes(code);
  options.set(option.subnetMask, bytesOfAddresses(network.mask));
  options.set(option.broadcast, bytesOfAddresses(network.broadcast));
  if (network.router !== undefined) options.set(option.router, bytesOfAddresses(network.router));
  if (network.dns.length > 0) options.set(option.dns, bytesOfAddresses(...network.dns));
  if (network.ntp.length > 0 && wants(option.ntp)) options.set(option.ntp, bytesOfAddresses(...network.ntp));
  if (machine !== undefined && wants(option.hostName)) options.set(option.hostName, textBytes(machine.name));
  const fqdn = request.options.get(option.clientFqdn);
  const name = machine?.name ?? nameOf(request.options, view.machines);
  if (fqdn && fqdn.length >= 3 && name !== undefined) {
    options.set(option.clientFqdn, fqdnAnswer(fqdn[0]!, network.domain ? `${name}.${network.domain}` : name));
  }
  if (network.domain !== undefined && wants(option.domainName)) {
    options.set(option.domainName, textBytes(network.domain));
  }
  if (network.domain !== undefined && asked?.includes(option.domainSearch)) {
    options.set(option.domainSearch, domainBytes([network.domain]));
  }
  for (const { code, value } of network.options) options.set(code, Buffer.from(value));
}

/**
 * The name that a client gives itself (option 81, else 12): one label of RFC 1123, without its domain. The names of machines
 * that are described are theirs alone.
 */
export function nameOf(options: DhcpPacket["options"], machines: MachineIndex): string | undefined {
  const fqdn = options.get(option.clientFqdn);
  const said = fqdn && fqdn.length > 3 ? fqdnText(fqdn) : options.get(option.hostName)?.toString("latin1");
  const [name = ""] = (said ?? "").toLowerCase().split(".");
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name) && !machines.byName.has(name) ? name : undefined;
}

/** RFC 4702 §2: with flag E names are in DNS's form, else text. */
const encoded = 0x04;

const fqdnText = (value: Buffer): string =>
  value[0]! & encoded
    ? value.toString("latin1", 4, 4 + (value[3] ?? 0))
    : value.toString("latin1", 3).replace(/\0.*$/s, "");

/** This server keeps the name (flag S), whatever the client proposed (flag O: otherwise than it did). RFC 4702 §4. */
function fqdnAnswer(flags: number, name: string): Buffer {
  const answer = Buffer.of(1 | (flags & 1 ? 0 : 2) | (flags & encoded), 255, 255);
  return Buffer.concat([answer, flags & encoded ? domainBytes([name]) : textBytes(name)]);
}
