/*
 * A machine's firmware, word for word: speak.mjs SERVER_ADDRESS OWN_ADDRESS. Reads what to say as JSON from stdin, says it in
 * that order, and prints a line of JSON with what came back: bytes in hex, HTTP answers as status, headers and body; null:
 * nothing came.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:http";
import { buffer, json } from "node:stream/consumers";
import type { Said, Word } from "./words.js";

const [server = "", own = ""] = process.argv.slice(2);
const silenceMs = 700;

async function bound(port: number, address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, address);
  await once(socket, "listening");
  socket.setBroadcast(true);
  return socket;
}

/** The first answer; of DHCP the first reply. */
async function answerTo(
  socket: Socket,
  isAnswer: (bytes: Buffer) => boolean,
): Promise<[Buffer, number] | undefined> {
  return new Promise((resolve) => {
    const silent = setTimeout(() => resolve(undefined), silenceMs);
    socket.on("message", (bytes, from) => {
      if (!isAnswer(bytes)) return;
      clearTimeout(silent);
      resolve([bytes, from.port]);
    });
  });
}

async function say(word: Word): Promise<Said> {
  if (word.protocol === "http") return fetchIt(word);
  const bytes = Buffer.from(word.hex, "hex");
  const isDhcp = word.protocol === "dhcp";
  const socket = isDhcp ? await bound(68, "0.0.0.0") : await bound(0, own);
  const answer = answerTo(socket, (heard) => !isDhcp || heard[0] === 2);
  socket.send(bytes, word.port, word.port === 67 ? "255.255.255.255" : server);
  const heard = await answer;
  // As firmware does that only wanted to know the size.
  if (heard && !isDhcp) {
    const enough = Buffer.concat([Buffer.of(0, 5, 0, 8), Buffer.from("enough\0")]);
    await new Promise((sent) => socket.send(enough, heard[1], server, sent));
  }
  socket.close();
  return heard ? { hex: heard[0].toString("hex") } : null;
}

async function fetchIt({ method, target, headers }: Extract<Word, { protocol: "http" }>): Promise<Said> {
  const asked = request({
    host: server,
    port: 8080,
    localAddress: own,
    method,
    path: target,
    headers,
    agent: false,
  });
  asked.end();
  const [answer] = await once(asked, "response");
  const body = await buffer(answer);
  return { status: answer.statusCode, headers: answer.headers, body: body.toString("base64") };
}

const said: Said[] = [];
for (const word of (await json(process.stdin)) as Word[]) said.push(await say(word));
process.stdout.write(`${JSON.stringify(said)}\n`);
