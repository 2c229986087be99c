import fc from "fast-check";
import { expect, test } from "vitest";
import { isSlipwayError } from "../../../base/errors.js";
import { readCapture } from "./capture.js";
import { httpRequest, parseResponse } from "./http-exchange.js";
import { segmentOf } from "./segments.js";

const u16 = (little: boolean, value: number) => {
  const bytes = Buffer.alloc(2);
  little ? bytes.writeUInt16LE(value) : bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (little: boolean, value: number) => {
  const bytes = Buffer.alloc(4);
  little ? bytes.writeUInt32LE(value) : bytes.writeUInt32BE(value);
  return bytes;
};

/** An Ethernet frame with a UDP datagram from 10.88.0.21:2070 to 10.88.0.1:69. */
function frame(payload: Buffer, vlan = false): Buffer {
  const udp = Buffer.concat([
    u16(false, 2070),
    u16(false, 69),
    u16(false, 8 + payload.length),
    u16(false, 0),
    payload,
  ]);
  const ip = Buffer.concat([
    Buffer.of(0x45, 0),
    u16(false, 20 + udp.length),
    Buffer.of(0, 0, 0, 0, 64, 17, 0, 0, 10, 88, 0, 21, 10, 88, 0, 1),
    udp,
  ]);
  return Buffer.concat([
    Buffer.from("ffffffffffff525400aa0001", "hex"),
    vlan ? Buffer.of(0x81, 0, 0, 5) : Buffer.alloc(0),
    Buffer.of(8, 0),
    ip,
    // Ethernet's padding belongs to nobody.
    Buffer.alloc(6),
  ]);
}

const payload = Buffer.from("\0\x01undionly.kpxe\0octet\0", "latin1");
const second = Date.UTC(2026, 0, 1) / 1000;

function pcap(little: boolean, magic: number, fraction: number): Buffer {
  const bytes = frame(payload);
  const head = [magic, 0, 0, 0, 65535, 1].map((value) => u32(little, value));
  const packet = [second, fraction, bytes.length, bytes.length].map((value) => u32(little, value));
  return Buffer.concat([...head, ...packet, bytes, ...packet.slice(0, 2)]);
}

function block(little: boolean, type: number, ...body: Buffer[]): Buffer {
  const content = Buffer.concat(body);
  const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
  const length = u32(little, padded.length + 12);
  return Buffer.concat([u32(little, type), length, padded, length]);
}

/** Nanoseconds (if_tsresol 9), and a block of a kind that nobody needs. */
function pcapng(little: boolean): Buffer {
  const bytes = frame(payload, true);
  const ticks = BigInt(second) * 1_000_000_000n + 250_000_000n;
  const time = [Number(ticks >> 32n), Number(ticks & 0xffffffffn)].map((value) => u32(little, value));
  const resolution = [u16(little, 9), u16(little, 1), Buffer.of(9, 0, 0, 0), u32(little, 0)];
  return Buffer.concat([
    block(little, 0x0a0d0d0a, u32(little, 0x1a2b3c4d), u16(little, 1), u16(little, 0), Buffer.alloc(8, 255)),
    block(little, 1, u16(little, 1), u16(little, 0), u32(little, 65535), ...resolution),
    block(little, 5, u32(little, 0)),
    block(little, 6, u32(little, 0), ...time, u32(little, bytes.length), u32(little, bytes.length), bytes),
  ]);
}

test.each([
  ["pcap", pcap(true, 0xa1b2c3d4, 250_000)],
  ["pcap, big-endian", pcap(false, 0xa1b2c3d4, 250_000)],
  ["pcap in nanoseconds", pcap(true, 0xa1b23c4d, 250_000_000)],
  ["pcapng with a VLAN", pcapng(true)],
  ["pcapng, big-endian", pcapng(false)],
])("%s is read to what it carries; what was cut off at its end is not", (_, file) => {
  const packets = readCapture(file, "boot.pcap");
  expect(packets).toHaveLength(1);
  expect(segmentOf(packets[0]!)).toEqual({
    time: second * 1000 + 250,
    mac: "52:54:00:aa:00:01",
    protocol: "udp",
    source: "10.88.0.21",
    sourcePort: 2070,
    target: "10.88.0.1",
    targetPort: 69,
    payload,
  });
});

test("a request and its response are told from what else a connection carries", () => {
  const segment = {
    time: 0,
    protocol: "tcp",
    source: "10.88.0.21",
    sourcePort: 1,
    target: "10.88.0.1",
    targetPort: 80,
  } as const;
  const request = Buffer.from("GET /ipxe?mac=x HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n");
  expect(httpRequest({ ...segment, payload: request })).toEqual({
    method: "GET",
    target: "/ipxe?mac=x",
    headers: { host: "a", accept: "b" },
    address: "10.88.0.21",
  });
  expect(httpRequest({ ...segment, payload: Buffer.from("GET nonsense") })).toBeUndefined();
  const response = parseResponse(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  expect(response?.body?.toString()).toBe("ok");
  expect(parseResponse(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"))?.body).toBeUndefined();
  expect(parseResponse(Buffer.from("no response"))).toBeUndefined();
});

test("whatever is in a file, it is read or refused", () => {
  const good = [pcap(true, 0xa1b2c3d4, 0), pcapng(true), pcapng(false)];
  const changes = fc.array(fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.constantFrom(...good), changes, fc.nat(), (file, edits, cut) => {
      const bytes = Buffer.from(file.subarray(0, file.length - (cut % file.length)));
      for (const { at, value } of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
      try {
        for (const packet of readCapture(bytes, "x")) segmentOf(packet);
      } catch (error) {
        if (!isSlipwayError(error)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});
