import { macToBytes } from "../../../src/net/mac.js";
import type { Said, Word } from "./words.js";

/** A capture (pcap, Ethernet) of a machine's words, each with the answer after it, as tcpdump would have written it. */
export function captureOf(
  words: readonly Word[],
  said: readonly Said[],
  mac: string,
  address: string,
): Buffer {
  const client = { mac, address };
  const server = { mac: "02:00:00:00:00:01", address: "10.88.0.1" };
  const frames = words.flatMap((word, i) => {
    const answer = said[i]!;
    if (word.protocol === "http") {
      const port = 40_000 + i;
      const head = Object.entries(word.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const request = Buffer.from(`${word.method} ${word.target} HTTP/1.1\r\n${head.join("")}\r\n`);
      const to = tcp(client, port, server, 8080, request);
      return answer && "status" in answer ? [to, tcp(server, 8080, client, port, response(answer))] : [to];
    }
    const isDhcp = word.protocol === "dhcp";
    const port = isDhcp ? 68 : 2000 + i;
    const to = udp(client, port, server, word.port, Buffer.from(word.hex, "hex"));
    // TFTP answers from a port of its own.
    const from = isDhcp ? word.port : 3000 + i;
    return answer && "hex" in answer
      ? [to, udp(server, from, client, port, Buffer.from(answer.hex, "hex"))]
      : [to];
  });
  const header = Buffer.alloc(24);
  [0xa1b2c3d4, 0x0004_0002, 0, 0, 262_144, 1].forEach((value, i) => {
    header.writeUInt32LE(value, 4 * i);
  });
  return Buffer.concat([header, ...frames.flatMap((frame, i) => [packetHeader(frame, i), frame])]);
}

interface Host {
  mac: string;
  address: string;
}

function packetHeader(frame: Buffer, i: number): Buffer {
  const header = Buffer.alloc(16);
  [1_770_000_000 + i, 0, frame.length, frame.length].forEach((value, at) => {
    header.writeUInt32LE(value, 4 * at);
  });
  return header;
}

function frame(from: Host, to: Host, protocol: number, carried: Buffer): Buffer {
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + carried.length, 2);
  ip[8] = 64;
  ip[9] = protocol;
  ip.set(from.address.split(".").map(Number), 12);
  ip.set(to.address.split(".").map(Number), 16);
  return Buffer.concat([macToBytes(to.mac), macToBytes(from.mac), Buffer.of(8, 0), ip, carried]);
}

function udp(from: Host, fromPort: number, to: Host, toPort: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  [fromPort, toPort, 8 + payload.length].forEach((value, i) => {
    header.writeUInt16BE(value, 2 * i);
  });
  return frame(from, to, 17, Buffer.concat([header, payload]));
}

function tcp(from: Host, fromPort: number, to: Host, toPort: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  header[12] = 0x50;
  return frame(from, to, 6, Buffer.concat([header, payload]));
}

function response({ status, headers, body }: Extract<Said, { status: number }>): Buffer {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status} X\r\n${head.join("")}\r\n`),
    Buffer.from(body, "base64"),
  ]);
}
