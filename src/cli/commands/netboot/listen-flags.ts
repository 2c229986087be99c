import { messageOf, SlipwayError } from "../../../base/errors.js";
import { parseAddress } from "../../../net/address.js";
import { parsePort } from "../../../net/port.js";

/** Reads --address and --port. @throws {SlipwayError} `USAGE` */
export function listenFlags({ address, port }: { address?: string | undefined; port?: string | undefined }): {
  address?: string;
  port?: number;
} {
  return {
    ...(address === undefined ? {} : { address: said("--address", () => parseAddress(address).text) }),
    ...(port === undefined ? {} : { port: said("--port", () => parsePort(port)) }),
  };
}

function said<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    throw new SlipwayError("USAGE", `${flag}: ${messageOf(error)}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}
