import { parseAddress } from "../../net/address.js";
import { parseDuration } from "../../spec/duration.js";
import { shown, valueInvalid } from "../../spec/problems.js";
import type { LabNetwork } from "./types.js";

/** A DHCP option as it is written: its value in one of the forms. */
export interface OptionForm {
  code: number;
  text?: string | undefined;
  hex?: string | undefined;
  addresses?: string[] | undefined;
  uint8?: number | undefined;
  uint16?: number | undefined;
  uint32?: number | undefined;
}

/** `1h`, `12h`, `30m`, in seconds. @throws {SlipwayError} `CONFIG_INVALID` unless it is from a second to a year. */
export function parseLeaseTime(text: string): number {
  const seconds = Math.floor(parseDuration(text, 365) / 1000);
  if (seconds < 1) throw valueInvalid(`${shown(text)} is too short for a lease; at least 1s`);
  return seconds;
}

/** `10.88.0.50-10.88.0.99`. @throws {SlipwayError} `CONFIG_INVALID` or `ADDRESS_INVALID` */
export function parseRange(text: string): NonNullable<LabNetwork["range"]> {
  const [first, last, ...more] = text.split("-").map((part) => part.trim());
  if (first === undefined || last === undefined || more.length > 0) {
    throw valueInvalid(
      `${shown(text)} is not a range; write its first and last address, as 10.88.0.50-10.88.0.99`,
    );
  }
  const [from, to] = [parseAddress(first), parseAddress(last)];
  if (from.family !== 4 || to.family !== 4)
    throw valueInvalid(`${shown(text)} is IPv6; machines boot over IPv4`);
  if (from.value > to.value)
    throw valueInvalid(`${shown(text)} ends before it begins; write ${last}-${first}`);
  return { first, last };
}

/** Options that are said in words of their own, or that the protocol fills in (RFC 2132, 3046, 4578). */
const ownOptions: Record<number, string> = {
  1: "subnet",
  3: "router",
  6: "dns",
  15: "domain",
  42: "ntp",
  51: "leaseTime",
};
const protocolOptions = [50, 52, 53, 54, 55, 57, 58, 59, 60, 61, 66, 67, 82, 93, 94, 97];

/** An option's bytes. @throws {SlipwayError} `CONFIG_INVALID` */
export function parseOption(option: OptionForm): LabNetwork["options"][number] {
  const { code, text, hex, addresses, uint8, uint16, uint32 } = option;
  const word = ownOptions[code];
  if (word !== undefined) throw valueInvalid(`option ${code} is what ${word} says; write ${word} instead`);
  if (protocolOptions.includes(code)) throw valueInvalid(`option ${code} is filled in by the server itself`);
  const forms = [text, hex, addresses, uint8, uint16, uint32].filter((value) => value !== undefined);
  if (forms.length !== 1) {
    throw valueInvalid(
      `an option has one value; write one of text, hex, addresses, uint8, uint16, uint32, not ${forms.length}`,
    );
  }
  return { code, value: Uint8Array.from(optionBytes(option)) };
}

function optionBytes({ text, hex, addresses, uint8, uint16, uint32 }: OptionForm): Iterable<number> {
  if (text !== undefined) return Buffer.from(text);
  if (hex !== undefined) {
    const digits = hex.replace(/[\s:]/g, "");
    if (!/^([0-9a-f]{2})*$/i.test(digits)) throw valueInvalid(`${shown(hex)} is not pairs of hex digits`);
    return Buffer.from(digits, "hex");
  }
  if (addresses !== undefined) return addresses.flatMap((address) => address.split(".").map(Number));
  if (uint8 !== undefined) return [uint8];
  // Not Buffer's own writers: they throw for numbers that are too large, of which the schema tells.
  if (uint16 !== undefined) return [uint16 >> 8, uint16];
  const number = uint32 ?? 0;
  return [number >>> 24, number >>> 16, number >>> 8, number];
}
