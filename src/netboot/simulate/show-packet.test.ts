import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeDhcp } from "../dhcp/codec.js";
import { ask } from "../dhcp/testing.js";
import { shownPacket } from "./show-packet.js";

test("options are read by their kind; what is too odd for it, as bytes", () => {
  const packet = ask("REQUEST", {
    options: {
      3: "10.88.0.1",
      43: Buffer.of(6, 1, 8, 71, 4, 0, 0, 0, 0, 255),
      51: Buffer.of(0, 0, 14, 16),
      61: Buffer.of(255, 1, 2),
      82: Buffer.concat([Buffer.of(1, 4), Buffer.from("eth1")]),
      93: Buffer.of(0, 7, 0, 99),
      119: Buffer.from("\x03lab\x04test\0", "latin1"),
      150: Buffer.of(1, 2, 3),
      200: Buffer.of(10),
    },
  });
  expect(shownPacket(packet).options.map(({ code, name, value }) => `${code} ${name}: ${value}`)).toEqual([
    "53 message type: REQUEST",
    "3 router: 10.88.0.1",
    "43 vendor options (PXE): discovery control 8, boot item 0.0.0.0",
    "51 lease time: 3600 s",
    "61 client identifier: ff:01:02",
    "82 relay agent information: circuit eth1",
    "93 client architecture: 7 (x64 UEFI), 99 (unknown)",
    "119 domain search: lab.test",
    "150 option 150: 01:02:03",
    "200 option 200: 0a",
  ]);
});

test("whatever a packet holds, it is shown, without control characters", () => {
  const head = Buffer.alloc(240);
  head[0] = 1;
  head.writeUInt32BE(0x63825363, 236);
  const options = fc.array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 40 })), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(options, (said) => {
      const parts = said.map(([code, value]) => Buffer.concat([Buffer.of(code, value.length), value]));
      const decoded = decodeDhcp(Buffer.concat([head, ...parts, Buffer.of(255)]));
      if ("invalid" in decoded) return;
      for (const { value } of shownPacket(decoded.packet).options) expect(value).toMatch(/^\P{Cc}*$/u);
    }),
    { numRuns: 2000 },
  );
});
