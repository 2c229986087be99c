import { SlipwayError } from "../base/errors.js";

/**
 * Writes contents as a `data:` URL (RFC 2397), in the shorter of its two encodings: short text stays readable.
 *
 * @param options.escaped percent-escaped, however long
 */
export function encodeDataUrl(contents: string | Uint8Array, { escaped: always = false } = {}): string {
  const bytes = typeof contents === "string" ? Buffer.from(contents, "utf8") : Buffer.from(contents);
  if (always) return `data:,${percentEncode(bytes)}`;
  const base64 = `data:;base64,${bytes.toString("base64")}`;
  if (bytes.length > base64.length) return base64; // percent-encoding never shortens
  const escaped = `data:,${percentEncode(bytes)}`;
  return escaped.length <= base64.length ? escaped : base64;
}

/** RFC 3986 §2.3 unreserved characters, and those of RFC 2396 §2.3 that RFC 2397 was written for. */
const unreserved = new Set(
  Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()", "latin1"),
);

function percentEncode(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += unreserved.has(byte)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

const token = "[!#$%&'*+\\-.0-9A-Z^_`a-z{|}~]+";
const quoted = '"(?:[^"\\\\\\u0080-\\uffff]|\\\\[\\u0000-\\u007f])*"';
/** `data:` [mediatype] *(`;` attribute `=` value) [`;base64`] `,` data. Media types as Ignition's parser knows them. */
const grammar = new RegExp(
  "^data:" +
    `(?:(?:x-${token}|(?:text|image|audio|video|application|message|multipart)${token.replace(/\+$/, "*")})/${token.replace(/\+$/, "*")})?` +
    `(?:;${token}=(?:${token}|${quoted}))*` +
    "(;base64)?,",
);

/**
 * Reads a `data:` URL.
 *
 * @throws {SlipwayError} `NODE_CONFIG_INVALID` when it is not one, or its data is not encoded right.
 */
export function decodeDataUrl(url: string): Uint8Array {
  const head = grammar.exec(url);
  if (!head) throw malformed("no media type, parameters and comma as RFC 2397 has them");
  const data = url.slice(head[0].length);
  return head[1] ? decodeBase64(data) : percentDecode(data);
}

function decodeBase64(data: string): Uint8Array {
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
    throw malformed("its data is not padded base64 (RFC 4648 §4)");
  }
  return Buffer.from(data, "base64");
}

function percentDecode(data: string): Uint8Array {
  if (!/^(?:[!$&'()*+,\-./0-9:;=?@A-Z_a-z~]|%[0-9A-Fa-f]{2})*$/.test(data)) {
    throw malformed("its data has characters that must be percent-encoded");
  }
  const bytes = Buffer.alloc(data.length);
  let length = 0;
  for (let at = 0; at < data.length; at++) {
    if (data[at] === "%") {
      bytes[length++] = Number.parseInt(data.slice(at + 1, at + 3), 16);
      at += 2;
    } else {
      bytes[length++] = data.charCodeAt(at);
    }
  }
  return bytes.subarray(0, length);
}

const malformed = (why: string): SlipwayError =>
  new SlipwayError("NODE_CONFIG_INVALID", `not a valid data URL: ${why}`);
