import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DhcpPacket, decodeDhcp, encodeDhcp } from "./codec.js";
import { uint16sOption, userClasses } from "./options.js";

const address = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255))).map((bytes) => bytes.join("."));
/** Bytes of the header's text fields: no zero within. */
const text = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 1, max: 255 }), { maxLength })
    .map((bytes) => Buffer.from(bytes).toString("latin1"));
const optionCode = fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52);
const value = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

const packet = (options: fc.Arbitrary<Map<number, Buffer>>): fc.Arbitrary<DhcpPacket> =>
  fc.record({
    op: fc.constantFrom("request", "reply"),
    htype: fc.nat(255),
    hops: fc.nat(255),
    xid: fc.nat(0xffffffff),
    secs: fc.nat(0xffff),
    broadcast: fc.boolean(),
    ciaddr: address,
    yiaddr: address,
    siaddr: address,
    giaddr: address,
    chaddr: fc.uint8Array({ maxLength: 16 }),
    sname: text(63),
    file: text(127),
    options,
  });

const optionMap = (maxLength: number, maxSize: number) =>
  fc.array(fc.tuple(optionCode, value(maxLength)), { maxLength: maxSize }).map((entries) => new Map(entries));

const plain = (decoded: DhcpPacket) => ({
  ...decoded,
  chaddr: [...decoded.chaddr],
  options: [...decoded.options].map(([code, bytes]) => [code, bytes.toString("hex")]).sort(),
});

function decoded(bytes: Uint8Array): DhcpPacket {
  const result = decodeDhcp(bytes);
  if ("invalid" in result) throw new Error(result.invalid);
  return result.packet;
}

describe("DHCP packets", () => {
  test("what was written is read again, with long options and with options in file and sname", () => {
    fc.assert(
      fc.property(
        packet(fc.oneof(optionMap(40, 12), optionMap(600, 3))),
        fc.constantFrom(548, 1000, 1472),
        (original, maximum) => {
          const { bytes, leftOut } = encodeDhcp(original, maximum);
          expect(bytes.length).toBeGreaterThanOrEqual(300);
          expect(bytes.length).toBeLessThanOrEqual(maximum);
          const kept = new Map([...original.options].filter(([code]) => !leftOut.includes(code)));
          expect(plain(decoded(bytes))).toEqual(plain({ ...original, options: kept }));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("options are left out only when they fit nowhere", () => {
    const big = new Map<number, Buffer>([
      [53, Buffer.of(2)],
      [43, Buffer.alloc(250, 1)],
      [67, Buffer.alloc(100, 2)],
      [12, Buffer.alloc(60, 3)],
      [82, Buffer.of(1, 2, 3, 4)],
      [15, Buffer.alloc(41, 4)],
    ]);
    const request: DhcpPacket = { ...empty, options: big };
    const { bytes, leftOut } = encodeDhcp(request, 548);
    expect(leftOut).toEqual([]);
    expect(bytes.subarray(240, 243)).toEqual(Buffer.of(53, 1, 2));
    // Option 82 is the last of the options field: its end mark follows.
    expect(bytes.indexOf(Buffer.of(82, 4, 1, 2, 3, 4, 255))).toBeGreaterThan(240);
    expect(plain(decoded(bytes))).toEqual(plain(request));
    const named = encodeDhcp({ ...request, file: "undionly.kpxe", sname: "boot" }, 548);
    expect(named.leftOut).toEqual([67, 12]);
  });

  test("an option longer than 255 bytes is split, and its parts may be in three fields", () => {
    const long = Buffer.from(Array.from({ length: 420 }, (_, i) => i % 251));
    const { bytes, leftOut } = encodeDhcp({ ...empty, options: new Map([[121, long]]) }, 548);
    expect(leftOut).toEqual([]);
    expect(decoded(bytes).options.get(121)).toEqual(long);
  });

  test("whatever comes, it is a packet or there is a reason", () => {
    fc.assert(
      fc.property(
        packet(optionMap(300, 8)),
        fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 20 }),
        fc.nat(700),
        (original, changes, length) => {
          const { bytes } = encodeDhcp(original);
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
          const result = decodeDhcp(bytes.subarray(0, length));
          if ("invalid" in result) expect(result.invalid).toMatch(/\w/);
          else
            expect(() => [
              userClasses(result.packet.options),
              uint16sOption(result.packet.options, 93),
            ]).not.toThrow();
        },
      ),
      { numRuns: 5000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => void decodeDhcp(bytes)));
  });

  test.each([
    [Buffer.alloc(10), "10 bytes are too few"],
    [Buffer.alloc(300), "op is 0"],
    [Buffer.concat([Buffer.of(1, 1, 17), Buffer.alloc(297)]), "a hardware address of 17 bytes"],
    [withOptions(53, 5, 1), "option 53 goes past the end"],
    [withOptions(52, 1, 1, 255), undefined],
  ])("bad packets say why: %#", (bytes, reason) => {
    const result = decodeDhcp(bytes);
    expect("invalid" in result ? result.invalid : undefined).toBe(reason);
  });

  test("a packet without the cookie is plain BOOTP", () => {
    const bytes = Buffer.alloc(300);
    bytes[0] = 1;
    expect(decoded(bytes).options.size).toBe(0);
  });
});

const empty: DhcpPacket = {
  op: "request",
  htype: 1,
  hops: 0,
  xid: 1,
  secs: 0,
  broadcast: false,
  ciaddr: "0.0.0.0",
  yiaddr: "0.0.0.0",
  siaddr: "0.0.0.0",
  giaddr: "0.0.0.0",
  chaddr: new Uint8Array(6),
  sname: "",
  file: "",
  options: new Map(),
};

function withOptions(...options: number[]): Buffer {
  const { bytes } = encodeDhcp(empty);
  return Buffer.concat([bytes.subarray(0, 240), Buffer.from(options)]);
}
