import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePacket, encodeAck, encodeData, encodeError, encodeOptionAck, encodeRequest } from "./codec.js";

const text = fc.string({ unit: "grapheme-ascii", maxLength: 20 });
const name = fc.stringMatching(/^[a-z]{1,10}$/);
const options = fc
  .uniqueArray(fc.tuple(name, text), { minLength: 1, selector: ([key]) => key })
  .map((pairs) => new Map(pairs));

test("what a UEFI firmware sends first", () => {
  const packet = Buffer.from(
    "\0\x01EFI/ipxe.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
    "latin1",
  );
  const request = {
    type: "read",
    file: "EFI/ipxe.efi",
    mode: "octet",
    options: new Map([
      ["tsize", "0"],
      ["blksize", "1468"],
      ["windowsize", "4"],
    ]),
  } as const;
  expect(decodePacket(packet)).toEqual(request);
  expect(encodeRequest(request)).toEqual(packet);
});

test("names of modes and options are read in any case, the first of two counts, leftovers are ignored", () => {
  const packet = Buffer.from("\0\x01a\0OCTET\0BlkSize\x008\0blksize\x009\0tsize\0junk", "latin1");
  expect(decodePacket(packet)).toEqual({
    type: "read",
    file: "a",
    mode: "octet",
    options: new Map([["blksize", "8"]]),
  });
});

test("every packet is read as it was written", () => {
  fc.assert(
    fc.property(name, options, fc.constantFrom("read", "write"), (file, asked, type) => {
      const request = { type, file, mode: "octet", options: asked };
      const packet = encodeRequest(request);
      fc.pre(packet.length <= 512);
      expect(decodePacket(packet)).toEqual(request);
      expect(decodePacket(encodeOptionAck(asked))).toEqual({ type: "optionAck", options: asked });
    }),
  );
  fc.assert(
    fc.property(fc.nat(), fc.uint8Array({ maxLength: 600 }), text, (number, bytes, message) => {
      const data = Buffer.from(bytes);
      const block = number & 0xffff;
      expect(decodePacket(encodeData(number, data))).toEqual({ type: "data", block, data });
      expect(decodePacket(encodeAck(number))).toEqual({ type: "ack", block });
      expect(decodePacket(encodeError(block, message))).toEqual({ type: "error", code: block, message });
    }),
  );
});

test.each([
  ["nothing", ""],
  ["a header cut short", "\0\x04\0"],
  ["an unknown opcode", "\0\x07\0\0"],
  ["a request without a mode", "\0\x01file\0"],
  ["a request whose mode does not end", "\0\x01file\0octet"],
  ["a request of more than 512 bytes", `\0\x01${"a".repeat(520)}\0octet\0`],
])("%s is no packet", (_, packet) => {
  expect(decodePacket(Buffer.from(packet, "latin1"))).toBeUndefined();
});

test("an error whose text does not end is still an error", () => {
  expect(decodePacket(Buffer.from("\0\x05\0\x08gone", "latin1"))).toEqual({
    type: "error",
    code: 8,
    message: "gone",
  });
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.nat({ max: 8 }), fc.uint8Array({ maxLength: 600 }), (opcode, rest) => {
      decodePacket(Buffer.from([0, opcode, ...rest]));
      decodePacket(Buffer.from(rest));
    }),
    { numRuns: 2000 },
  );
});
