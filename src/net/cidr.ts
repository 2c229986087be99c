import {
  type AddressFamily,
  addressBits,
  addressFromValue,
  addressInvalid,
  parseAddress,
} from "./address.js";

/** A range of addresses, written as its network address and prefix length (RFC 4632, RFC 4291 §2.3). */
export interface Cidr {
  /** Canonical: `10.244.0.0/16`. */
  text: string;
  family: AddressFamily;
  prefixLength: number;
  /** Its first and last address, as numbers. */
  first: bigint;
  last: bigint;
}

/**
 * Reads a CIDR, which must be a network address: `10.244.1.7/16` is refused, with the network that it lies in.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export function parseCidr(text: string): Cidr {
  const { cidr, isNetwork } = read(text);
  if (!isNetwork) {
    throw addressInvalid(
      `${JSON.stringify(text)} has bits set after its prefix; its network is ${cidr.text}`,
      `write ${cidr.text}`,
    );
  }
  return cidr;
}

/**
 * The network that an address with a prefix lies in, as interfaces and routes show it: `10.0.0.5/24` gives `10.0.0.0/24`.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export const networkOf = (addressWithPrefix: string): Cidr => read(addressWithPrefix).cidr;

function read(text: string): { cidr: Cidr; isNetwork: boolean } {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (!match) {
    throw addressInvalid(
      `${JSON.stringify(text)} is not a CIDR`,
      "write an address and a prefix length, as 10.244.0.0/16",
    );
  }
  const address = parseAddress(match[1]!);
  const prefixLength = Number(match[2]);
  if (prefixLength > addressBits(address.family)) {
    throw addressInvalid(
      `${JSON.stringify(text)} has prefix length ${prefixLength}; IPv${address.family} has ${addressBits(address.family)} bits`,
    );
  }
  const size = 1n << BigInt(addressBits(address.family) - prefixLength);
  const first = address.value - (address.value % size);
  return { cidr: cidrAt(first, prefixLength, address.family), isNetwork: first === address.value };
}

function cidrAt(first: bigint, prefixLength: number, family: AddressFamily): Cidr {
  return {
    text: `${addressFromValue(first, family).text}/${prefixLength}`,
    family,
    prefixLength,
    first,
    last: first + (1n << BigInt(addressBits(family) - prefixLength)) - 1n,
  };
}

const toCidr = (cidr: Cidr | string): Cidr => (typeof cidr === "string" ? parseCidr(cidr) : cidr);

/** How many addresses it has. */
export function addressCount(range: Cidr | string): bigint {
  const { first, last } = toCidr(range);
  return last - first + 1n;
}

/** Whether an address, or the whole of another range, lies in a range. @throws {SlipwayError} `ADDRESS_INVALID` */
export function contains(range: Cidr | string, other: Cidr | string): boolean {
  const outer = toCidr(range);
  if (typeof other === "string" && !other.includes("/")) {
    const { family, value } = parseAddress(other);
    return family === outer.family && outer.first <= value && value <= outer.last;
  }
  const inner = toCidr(other);
  return inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether two ranges share an address. @throws {SlipwayError} `ADDRESS_INVALID` */
export function overlaps(one: Cidr | string, other: Cidr | string): boolean {
  const a = toCidr(one);
  const b = toCidr(other);
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/**
 * The address number `n` of a range, from 0 (the network address itself).
 *
 * @throws {SlipwayError} `ADDRESS_INVALID` when the range is too small.
 */
export function nthAddress(range: Cidr | string, n: number): string {
  const cidr = toCidr(range);
  if (!Number.isSafeInteger(n) || n < 0 || BigInt(n) >= addressCount(cidr)) {
    throw addressInvalid(`${cidr.text} has no address number ${n}: it has ${addressCount(cidr)}`);
  }
  return addressFromValue(cidr.first + BigInt(n), cidr.family).text;
}

/** How many ranges of that prefix length it holds; 0 when they are larger than it is. */
export function subnetCount(range: Cidr | string, prefixLength: number): bigint {
  const cidr = toCidr(range);
  return prefixLength < cidr.prefixLength || prefixLength > addressBits(cidr.family)
    ? 0n
    : 1n << BigInt(prefixLength - cidr.prefixLength);
}

/**
 * Part number `index`, from 0, of a range that is cut into parts of that prefix length: `10.244.0.0/16`, 24, 3 gives
 * `10.244.3.0/24`.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID` when there is no such part.
 */
export function nthSubnet(range: Cidr | string, prefixLength: number, index: number): string {
  const cidr = toCidr(range);
  const count = subnetCount(cidr, prefixLength);
  if (!Number.isSafeInteger(index) || index < 0 || BigInt(index) >= count) {
    throw addressInvalid(`${cidr.text} has no /${prefixLength} number ${index}: it has ${count}`);
  }
  const size = 1n << BigInt(addressBits(cidr.family) - prefixLength);
  return cidrAt(cidr.first + BigInt(index) * size, prefixLength, cidr.family).text;
}

/** The prefix length of one node's pod CIDR: kube-controller-manager's `--node-cidr-mask-size-ipv4` and `-ipv6` defaults. */
export const podCidrPrefixLength = (family: AddressFamily): number => (family === 4 ? 24 : 64);

/**
 * The pods' CIDR of node number `index`, from 0.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID` when the pod subnet has too few.
 */
export function podCidrOfNode(podSubnet: Cidr | string, index: number): string {
  const cidr = toCidr(podSubnet);
  return nthSubnet(cidr, podCidrPrefixLength(cidr.family), index);
}
