import { SlipwayError } from "../../base/errors.js";
import { parseAddress } from "../../net/address.js";
import { isPort } from "../../net/port.js";

/** A server that other questions go to. */
export interface Upstream {
  address: string;
  family: 4 | 6;
  port: number;
}

/**
 * Reads `1.1.1.1`, `1.1.1.1:5353`, `fd00::1` or `[fd00::1]:53`.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export function parseUpstream(text: string): Upstream {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? /^([^:]+)(?::(\d+))?$/.exec(text);
  const { text: address, family } = parseAddress(match?.[1] ?? text);
  const port = match?.[2] === undefined ? 53 : Number(match[2]);
  if (!isPort(port)) {
    throw new SlipwayError("ADDRESS_INVALID", `"${text}" has no port that could be asked`, {
      hint: "write a DNS server as 1.1.1.1 or 1.1.1.1:53",
    });
  }
  return { address, family, port };
}

export const upstreamText = ({ address, family, port }: Upstream): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
