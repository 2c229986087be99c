import { parseCidr } from "../../net/cidr.js";
import type { LabNetwork } from "../inventory/types.js";

/** A network with its limits as numbers, as it is asked of them for each packet. */
export interface DhcpNetwork extends LabNetwork {
  /** Network and broadcast address, as numbers. */
  first: number;
  last: number;
  rangeFirst: number;
  /** Less than the first: nothing is leased but machines' own addresses. */
  rangeLast: number;
  mask: string;
  broadcast: string;
}

export function dhcpNetwork(network: LabNetwork): DhcpNetwork {
  const { first, last, prefixLength } = parseCidr(network.subnet);
  return {
    ...network,
    first: Number(first),
    last: Number(last),
    rangeFirst: network.range ? toNumber(network.range.first) : 0,
    rangeLast: network.range ? toNumber(network.range.last) : -1,
    mask: toAddress(2 ** 32 - 2 ** (32 - prefixLength)),
    broadcast: toAddress(Number(last)),
  };
}

/** An IPv4 address that is known to be one, as a number. Asked several times a packet: no strings are made. */
export function toNumber(address: string): number {
  let number = 0;
  let byte = 0;
  for (let i = 0; i < address.length; i++) {
    const digit = address.charCodeAt(i) - 48;
    if (digit >= 0) byte = byte * 10 + digit;
    else {
      number = number * 256 + byte;
      byte = 0;
    }
  }
  return number * 256 + byte;
}

export const toAddress = (value: number): string =>
  `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

export function isIn(network: DhcpNetwork, address: string): boolean {
  const value = toNumber(address);
  return network.first < value && value < network.last;
}

export function inRange(network: DhcpNetwork, address: string): boolean {
  const value = toNumber(address);
  return network.rangeFirst <= value && value <= network.rangeLast;
}
