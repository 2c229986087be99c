import { macFromBytes } from "../../net/mac.js";

/**
 * The MAC address of who asks for a router: ICMPv6 type 133, code 0, checksum, 4 bytes reserved, then options, of which type 1
 * is the sender's link-layer address (RFC 4861 §4.1, §4.6.1). Undefined: it is no such message, or does not say.
 */
export function solicitingMac(message: Buffer): string | undefined {
  if (message.length < 8 || message[0] !== 133) return undefined;
  for (let at = 8; at + 8 <= message.length; ) {
    const length = 8 * message[at + 1]!;
    if (length === 0 || at + length > message.length) return undefined;
    if (message[at] === 1) return macFromBytes(message.subarray(at + 2, at + 8));
    at += length;
  }
  return undefined;
}

/**
 * "I am no router to use": ICMPv6 type 134 with a router lifetime of 0, no flags, prefix or other option (RFC 4861 §4.2). The kernel adds
 * the checksum.
 */
export const noRouterHere: Buffer = Buffer.concat([Buffer.of(134), Buffer.alloc(15)]);
