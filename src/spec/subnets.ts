import { type Cidr, networkOf, overlaps } from "../net/cidr.js";

/** Ranges that are tried in order when a network is not given. */
export type Candidates = Iterable<string>;

/** Routes as wide as these are ways out, not networks: the default route, and VPNs' halves and eighths of it. */
const wayOutPrefixLength = 7;

/** Routes as wide as these are a company's whole private space. A piece of it is better than no cluster, but the last choice. */
const widePrefixLength = 12;

/** The ranges of a host that a cluster's networks keep clear of. */
export interface TakenRanges {
  narrow: Cidr[];
  wide: Cidr[];
}

/** @param taken addresses with or without a prefix, as routes and interfaces have them. */
export function takenRanges(taken: readonly string[]): TakenRanges {
  const ranges = taken
    .map((text) => networkOf(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`))
    .filter(({ prefixLength }) => prefixLength > wayOutPrefixLength);
  return {
    narrow: ranges.filter(({ prefixLength }) => prefixLength > widePrefixLength),
    wide: ranges.filter(({ prefixLength }) => prefixLength <= widePrefixLength),
  };
}

/** The first candidate that overlaps none of the taken ranges, or else none of the narrow ones, and none of the others. */
export function firstFree(
  candidates: () => Candidates,
  { narrow, wide }: TakenRanges,
  others: readonly string[],
): string | undefined {
  for (const taken of [[...wide, ...narrow], narrow]) {
    for (const candidate of candidates()) {
      if (![...taken, ...others].some((range) => overlaps(range, candidate))) return candidate;
    }
  }
  return undefined;
}

/** `10.77.N.0/24`: N is 0 for the default profile, and else from the profile's name, so that it stays the same by itself. */
export function* nodeSubnetCandidates(profile: string): Generator<string> {
  const preferred = profile === "slipway" ? 0 : 1 + (hash(profile) % 255);
  for (let i = 0; i < 256; i++) yield `10.77.${(preferred + i) % 256}.0/24`;
  for (let i = 0; i < 256; i++) yield `172.30.${(preferred + i) % 256}.0/24`;
  for (let i = 100; i < 256; i++) yield `192.168.${i}.0/24`;
}

/** `10.244.0.0/16`, as kubeadm's users have it; then its neighbours, then other private space (RFC 1918). */
export function* podSubnetCandidates(): Generator<string> {
  for (let i = 244; i < 255; i++) yield `10.${i}.0.0/16`;
  for (let i = 128; i < 244; i++) yield `10.${i}.0.0/16`;
  for (let i = 16; i < 30; i++) yield `172.${i}.0.0/16`;
}

/** `10.96.0.0/16` and its neighbours inside 10.96.0.0/12. Services are only seen inside the nodes. */
export function* serviceSubnetCandidates(): Generator<string> {
  for (let i = 96; i < 112; i++) yield `10.${i}.0.0/16`;
  yield "172.31.0.0/16";
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
