import ipaddr from "ipaddr.js";
import { SlipwayError } from "../base/errors.js";

export type AddressFamily = 4 | 6;

/** An IP address in its canonical text: dotted decimal, or RFC 5952 for IPv6. */
export interface IpAddress {
  family: AddressFamily;
  text: string;
  /** The address as a number, for counting. */
  value: bigint;
}

/** Bits of an address of that family. */
export const addressBits = (family: AddressFamily): number => (family === 4 ? 32 : 128);

/** The error for input of this room that is not right. */
export const addressInvalid = (message: string, hint?: string): SlipwayError =>
  new SlipwayError("ADDRESS_INVALID", message, hint === undefined ? {} : { hint });

/**
 * Reads an IPv4 address of four decimal parts or an IPv6 address. The other spellings of IPv4 (`127.1`, `0x7f.0.0.1`,
 * `010.0.0.1`) are refused, since programs disagree about them; so is an IPv6 zone.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export function parseAddress(text: string): IpAddress {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return addressOf(ipaddr.IPv4.parse(text));
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) {
    return addressOf(ipaddr.IPv6.parse(text));
  }
  throw addressInvalid(
    `${JSON.stringify(text)} is not an IP address`,
    "write an IPv4 address as 10.0.0.1 or an IPv6 address as fd00::1",
  );
}

/** Whether `parseAddress` takes it. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch (error) {
    if (error instanceof SlipwayError) return false;
    throw error;
  }
}

/**
 * The address that a number stands for.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID` when the family has no such address.
 */
export function addressFromValue(value: bigint, family: AddressFamily): IpAddress {
  const byteCount = addressBits(family) / 8;
  if (value < 0n || value >> BigInt(addressBits(family)) !== 0n) {
    throw addressInvalid(`there is no IPv${family} address number ${value}`);
  }
  const bytes = Array.from({ length: byteCount }, (_, i) =>
    Number((value >> BigInt(8 * (byteCount - 1 - i))) & 0xffn),
  );
  return addressOf(ipaddr.fromByteArray(bytes));
}

function addressOf(parsed: ipaddr.IPv4 | ipaddr.IPv6): IpAddress {
  const bytes = parsed.toByteArray();
  return {
    family: bytes.length === 4 ? 4 : 6,
    text: parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString(),
    value: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
  };
}
