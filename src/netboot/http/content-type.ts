import { lookup } from "mime-types";
import { textType } from "./answer.js";

/** Where UEFI's HTTP boot, or matchbox, wants another type than the register of types has. */
const ownTypes: Record<string, string> = {
  // EDK II HttpBootSupport.h: an image that is neither is told by the ending of its URL.
  efi: "application/efi",
  ipxe: textType,
};

/** The type by a file's ending; undefined: the ending says nothing. */
export function contentTypeOf(name: string): string | undefined {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase();
  if (ending === undefined) return undefined;
  const type = ownTypes[ending] ?? lookup(ending);
  if (!type) return undefined;
  return type.startsWith("text/") && !type.includes(";") ? `${type}; charset=utf-8` : type;
}

/** How many of the first bytes tell the type. */
export const sniffedBytes = 512;

/** Text, or not: bytes that no text has (WHATWG MIME Sniffing §3, binary data bytes). */
export const sniffedType = (start: Uint8Array): string =>
  start.some(
    (byte) => byte <= 8 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f),
  )
    ? "application/octet-stream"
    : textType;
