import { addressBytes } from "./codec.js";

/** Options by their numbers in IANA's registry (RFC 2132 unless said otherwise). */
export const option = {
  subnetMask: 1,
  router: 3,
  dns: 6,
  hostName: 12,
  domainName: 15,
  broadcast: 28,
  ntp: 42,
  vendorOptions: 43,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  serverId: 54,
  parameterList: 55,
  message: 56,
  maximumSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientId: 61,
  serverName: 66,
  bootFile: 67,
  /** RFC 3004; iPXE sends the bare text. */
  userClass: 77,
  /** RFC 4039 */
  rapidCommit: 80,
  /** RFC 4702 */
  clientFqdn: 81,
  /** RFC 3046 */
  relayAgent: 82,
  /** RFC 4578 */
  clientArch: 93,
  clientUndi: 94,
  clientUuid: 97,
  /** RFC 3397 */
  domainSearch: 119,
  /** iPXE's own, encapsulated (ipxe.org/howto/dhcpd) */
  ipxe: 175,
} as const;

export const messageTypes = [
  "DISCOVER",
  "OFFER",
  "REQUEST",
  "DECLINE",
  "ACK",
  "NAK",
  "RELEASE",
  "INFORM",
] as const;
export type MessageType = (typeof messageTypes)[number];

type Options = ReadonlyMap<number, Buffer>;

export const messageTypeOf = (options: Options): MessageType | undefined =>
  messageTypes[(options.get(option.messageType)?.[0] ?? 0) - 1];

export function addressOption(options: Options, code: number): string | undefined {
  const value = options.get(code);
  return value?.length === 4 ? value.join(".") : undefined;
}

export function textOption(options: Options, code: number): string | undefined {
  const value = options.get(code);
  if (value === undefined) return undefined;
  const zero = value.indexOf(0);
  return value.toString("latin1", 0, zero < 0 ? value.length : zero);
}

export const uint16sOption = (options: Options, code: number): number[] => {
  const value = options.get(code) ?? Buffer.alloc(0);
  return Array.from({ length: value.length >> 1 }, (_, i) => value.readUInt16BE(2 * i));
};

export const bytesOfAddresses = (...addresses: string[]): Buffer =>
  addresses.length === 1 ? addressBytes(addresses[0]!) : Buffer.concat(addresses.map(addressBytes));

export function uint32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const textBytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** User classes: RFC 3004's length-prefixed ones, or iPXE's bare text. */
export function userClasses(options: Options): string[] {
  const value = options.get(option.userClass);
  if (!value) return [];
  const classes: string[] = [];
  let at = 0;
  while (at < value.length) {
    const length = value[at]!;
    if (length === 0 || at + 1 + length > value.length) return [value.toString("latin1")];
    classes.push(value.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return classes;
}

/** Domain names in DNS's own form, without compression (RFC 3397). */
export const domainBytes = (names: readonly string[]): Buffer =>
  Buffer.concat(
    names.map((name) =>
      Buffer.concat([
        ...name
          .split(".")
          .filter(Boolean)
          .map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")])),
        Buffer.of(0),
      ]),
    ),
  );

/** A sub-option of an encapsulated option (43, 82, 175): code, length, value, to the end or to 255. */
export function suboption(value: Uint8Array, code: number): Uint8Array | undefined {
  for (let at = 0; at + 1 < value.length && value[at] !== 255; ) {
    // Some write padding between them.
    if (value[at] === 0) {
      at += 1;
      continue;
    }
    const length = value[at + 1]!;
    if (at + 2 + length > value.length) return undefined;
    if (value[at] === code) return value.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  return undefined;
}
