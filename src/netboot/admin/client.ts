import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { type ErrorCode, errorCodes, SlipwayError, systemCode } from "../../base/errors.js";
import type { MachineLife } from "../life/types.js";
import type { Witnessed } from "../timeline/recorder.js";
import { type AdminVerb, socketIn } from "./server.js";

/**
 * Has the lab's server do something with a machine; undefined: no server runs.
 *
 * @throws {SlipwayError} the server's own
 */
export async function tellServer(
  directory: string,
  mac: string,
  verb: AdminVerb,
): Promise<MachineLife | undefined> {
  const response = await ask(directory, "POST", `/machines/${mac}/${verb}`);
  if (!response) return undefined;
  const body = JSON.parse(await textOf(response)) as
    | MachineLife
    | { code: string; message: string; hint?: string };
  if (response.statusCode === 200) return body as MachineLife;
  const { code, message, hint } = body as { code: string; message: string; hint?: string };
  throw new SlipwayError(isErrorCode(code) ? code : "INTERNAL", message, hint === undefined ? {} : { hint });
}

/**
 * What machines do, as it happens, until the server ends or the signal comes.
 *
 * @param machine a MAC or address; undefined: all
 * @throws {SlipwayError} `USAGE` when no server runs
 */
export async function* watchServer(
  directory: string,
  machine: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Witnessed> {
  const query = machine === undefined ? "" : `?machine=${encodeURIComponent(machine)}`;
  const response = await ask(directory, "GET", `/events${query}`, signal);
  if (!response) {
    throw new SlipwayError("USAGE", "no server of this lab is running", {
      hint: "slipway netboot serve LAB starts one; slipway netboot show MAC tells what was",
    });
  }
  if (response.statusCode !== 200) throw new SlipwayError("USAGE", (await textOf(response)).trim());
  // Server-sent events: each of ours is one line of data.
  for await (const line of createInterface({ input: response })) {
    if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)) as Witnessed;
  }
}

/** Undefined: nobody listens. */
function ask(
  directory: string,
  method: string,
  path: string,
  signal?: AbortSignal,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: socketIn(directory), method, path, ...(signal ? { signal } : {}) },
      resolve,
    );
    sent.once("error", (cause) => {
      const code = systemCode(cause);
      if (code === "ENOENT" || code === "ECONNREFUSED") resolve(undefined);
      else if (code === "EACCES") {
        const options = { hint: "run it as the user who serves the lab, or as root", cause };
        reject(new SlipwayError("PERMISSION_DENIED", `${socketIn(directory)} is another user's`, options));
      } else reject(cause);
    });
    sent.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return text;
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code);
