import { addressInvalid } from "./address.js";

/** How a MAC address is written: `52:54:00:12:34:56`, `52-54-00-12-34-56` (Windows, DHCP tools) or `525400123456`. */
export type MacStyle = "colons" | "hyphens" | "plain";

/**
 * Reads a 48-bit MAC address in any of the usual spellings, upper or lower case: pairs joined by `:` or `-`, three groups
 * of four joined by `.` (Cisco), or twelve digits. Gives it in lower case with colons.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export function parseMac(text: string): string {
  const spelling =
    /^[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})$|^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$|^[0-9a-f]{12}$/i;
  if (!spelling.test(text)) {
    throw addressInvalid(
      `${JSON.stringify(text)} is not a MAC address`,
      "write six pairs of hex digits, as 52:54:00:12:34:56",
    );
  }
  return text.toLowerCase().replace(/[:.-]/g, "").match(/../g)!.join(":");
}

/** A MAC address in another spelling. @throws {SlipwayError} `ADDRESS_INVALID` */
export function formatMac(mac: string, style: MacStyle): string {
  const separator = { colons: ":", hyphens: "-", plain: "" }[style];
  return parseMac(mac).replaceAll(":", separator);
}

/** The six bytes. @throws {SlipwayError} `ADDRESS_INVALID` */
export const macToBytes = (mac: string): Uint8Array =>
  Uint8Array.from(Buffer.from(formatMac(mac, "plain"), "hex"));

/** @throws {SlipwayError} `ADDRESS_INVALID` unless there are six bytes. */
export const macFromBytes = (bytes: Uint8Array): string => parseMac(Buffer.from(bytes).toString("hex"));
