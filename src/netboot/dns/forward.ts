import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { type DnsQuery, questionEnd, type Transport } from "./answer.js";
import { frame, MessageReader } from "./framing.js";
import type { Upstream } from "./upstream.js";

/** How long one server is waited for before the next is asked. */
const patienceMs = 2000;

/**
 * Asks servers in turn, with an id and a port that nobody can guess (RFC 5452): an answer counts only when it comes from
 * the server that was asked, with that id and the same question.
 *
 * @returns the answer with the client's own id, and who gave it; undefined when nobody did
 */
export async function forward(
  query: DnsQuery,
  transport: Transport,
  upstreams: readonly Upstream[],
  signal: AbortSignal,
): Promise<{ bytes: Buffer; by: Upstream } | undefined> {
  const asked = Buffer.from(query.bytes);
  const end = questionEnd(query);
  const fits = (answer: Buffer): boolean =>
    answer.length >= end &&
    answer.readUInt16BE(0) === asked.readUInt16BE(0) &&
    (answer[2]! & 0x80) !== 0 &&
    answer.subarray(12, end).equals(asked.subarray(12, end));
  for (const upstream of upstreams) {
    if (signal.aborted) return undefined;
    asked.writeUInt16BE(randomInt(65_536), 0);
    const ask = transport === "udp" ? askByUdp : askByTcp;
    const answer = await ask(
      upstream,
      asked,
      fits,
      AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    );
    if (answer) {
      const bytes = Buffer.from(answer);
      query.bytes.copy(bytes, 0, 0, 2);
      return { bytes, by: upstream };
    }
  }
  return undefined;
}

type Ask = (
  upstream: Upstream,
  query: Buffer,
  fits: (answer: Buffer) => boolean,
  signal: AbortSignal,
) => Promise<Buffer | undefined>;

/** From a connected socket: the kernel drops what others send. */
const askByUdp: Ask = ({ address, family, port }, query, fits, signal) =>
  new Promise((resolve) => {
    const socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      lookup: (name, _options, callback) => callback(null, name, family),
    });
    let over = false;
    const end = (answer?: Buffer) => {
      if (over) return;
      over = true;
      signal.removeEventListener("abort", onAbort);
      socket.close();
      resolve(answer);
    };
    const onAbort = () => end();
    signal.addEventListener("abort", onAbort);
    socket.on("error", () => end());
    socket.on("message", (answer) => {
      if (fits(answer)) end(answer);
    });
    socket.on("connect", () => {
      if (!over) socket.send(query);
    });
    socket.connect(port, address);
  });

const askByTcp: Ask = ({ address, port }, query, fits, signal) =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const reader = new MessageReader(65_535);
    const end = (answer?: Buffer) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(answer);
    };
    const onAbort = () => end();
    signal.addEventListener("abort", onAbort);
    socket.on("error", () => end());
    socket.on("close", () => end());
    socket.on("connect", () => socket.write(frame(query)));
    socket.on("data", (bytes) => {
      const answer = reader.take(bytes)?.find(fits);
      if (answer) end(answer);
    });
  });
