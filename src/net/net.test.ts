import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { addressFromValue, isAddress, parseAddress } from "./address.js";
import {
  addressCount,
  contains,
  networkOf,
  nthAddress,
  nthSubnet,
  overlaps,
  parseCidr,
  podCidrOfNode,
} from "./cidr.js";
import { formatMac, macFromBytes, macToBytes, parseMac } from "./mac.js";
import { isPort, parsePort } from "./port.js";

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((text) => !text.includes("%"));
const cidr = fc
  .oneof(fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })), fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })))
  .map(([address, length]) => networkOf(`${address}/${length}`));

/** Runs it on anything: it gives a value, or says ADDRESS_INVALID. */
const neverCrashes = (parse: (text: string) => unknown) =>
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789abcdef:./-%") })),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(isSlipwayError(error, "ADDRESS_INVALID")).toBe(true);
        }
      },
    ),
    { numRuns: 1000 },
  );

describe("addresses", () => {
  test.each([
    ["10.0.0.1", 4, "10.0.0.1"],
    ["255.255.255.255", 4, "255.255.255.255"],
    ["FD00:0:0:0::1", 6, "fd00::1"],
    ["::", 6, "::"],
    ["::ffff:10.0.0.1", 6, "::ffff:a00:1"],
  ] as const)("%s", (text, family, canonical) => {
    expect(parseAddress(text)).toMatchObject({ family, text: canonical });
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "0x7f.0.0.1",
    "127.1",
    "fe80::1%eth0",
    "10.0.0.1/24",
    "a",
    " 10.0.0.1",
    "1:2",
  ])("%j is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(`${JSON.stringify(text)} is not an IP address`);
    expect(isAddress(text)).toBe(false);
  });

  test("number and text are the same address", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const address = parseAddress(text);
        expect(addressFromValue(address.value, address.family)).toEqual(address);
        expect(parseAddress(address.text)).toEqual(address);
      }),
    );
  });

  test("a number outside the family is refused", () => {
    expect(() => addressFromValue(1n << 32n, 4)).toThrow("no IPv4 address number 4294967296");
    expect(() => addressFromValue(-1n, 6)).toThrow("no IPv6 address number -1");
  });

  test("anything else is an ADDRESS_INVALID", () => neverCrashes(parseAddress));
});

describe("ranges", () => {
  test.each([
    ["10.244.1.7/16", "has bits set after its prefix; its network is 10.244.0.0/16"],
    ["10.0.0.0", "is not a CIDR"],
    ["10.0.0.0/33", "has prefix length 33; IPv4 has 32 bits"],
    ["fd00::/129", "has prefix length 129; IPv6 has 128 bits"],
    ["10.0.0/8", '"10.0.0" is not an IP address'],
    ["10.0.0.0/-1", "is not a CIDR"],
    ["/8", "is not a CIDR"],
  ])("%s is refused: %s", (text, message) => {
    expect(() => parseCidr(text)).toThrow(message);
  });

  test("a range is counted and cut", () => {
    expect(nthAddress("10.77.3.0/24", 2)).toBe("10.77.3.2");
    expect(nthAddress("fd00:77::/64", 258)).toBe("fd00:77::102");
    expect(() => nthAddress("10.77.3.0/30", 4)).toThrow("10.77.3.0/30 has no address number 4: it has 4");
    expect(nthSubnet("10.244.0.0/16", 24, 255)).toBe("10.244.255.0/24");
    expect(() => nthSubnet("10.244.0.0/16", 24, 256)).toThrow(
      "10.244.0.0/16 has no /24 number 256: it has 256",
    );
    expect(() => nthSubnet("10.244.0.0/25", 24, 0)).toThrow("has no /24 number 0: it has 0");
    expect(podCidrOfNode("10.244.0.0/16", 2)).toBe("10.244.2.0/24");
    expect(podCidrOfNode("fd00:244::/48", 2)).toBe("fd00:244:0:2::/64");
    expect(addressCount("10.0.0.0/8")).toBe(1n << 24n);
    expect(networkOf("10.0.0.5/24").text).toBe("10.0.0.0/24");
  });

  test("families do not mix", () => {
    expect(overlaps("0.0.0.0/0", "::/0")).toBe(false);
    expect(contains("0.0.0.0/0", "::1")).toBe(false);
  });

  test("text and value are the same range", () => {
    fc.assert(
      fc.property(cidr, (range) => {
        expect(parseCidr(range.text)).toEqual(range);
      }),
    );
  });

  test("overlap is mutual, and two CIDRs overlap only when one holds the other", () => {
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        expect(overlaps(a, b)).toBe(contains(a, b) || contains(b, a));
      }),
    );
  });

  test("the parts of a range lie in it, apart from each other", () => {
    fc.assert(
      fc.property(cidr, fc.nat(6), fc.nat(63), fc.nat(63), (range, more, i, j) => {
        const length = range.prefixLength + more;
        fc.pre(length <= (range.family === 4 ? 32 : 128));
        const [a, b] = [i % 2 ** more, j % 2 ** more];
        const [first, second] = [nthSubnet(range, length, a), nthSubnet(range, length, b)];
        expect(contains(range, first)).toBe(true);
        expect(overlaps(first, second)).toBe(a === b);
        expect(contains(first, nthAddress(first, 0))).toBe(true);
      }),
    );
  });

  test("anything else is an ADDRESS_INVALID", () => neverCrashes(parseCidr));
});

describe("MAC addresses and ports", () => {
  test.each(["52:54:00:AB:cd:ef", "52-54-00-ab-cd-ef", "5254.00ab.cdef", "525400ABCDEF"])("%s", (text) => {
    expect(parseMac(text)).toBe("52:54:00:ab:cd:ef");
  });

  test.each([
    "",
    "52:54:00:ab:cd",
    "52:54:00:ab:cd:eg",
    "52:54-00:ab:cd:ef",
    "52:54:00:ab:cd:ef:01",
    "5254:00ab:cdef",
  ])("%j is refused", (text) => {
    expect(() => parseMac(text)).toThrow(`${JSON.stringify(text)} is not a MAC address`);
  });

  test("every spelling is read back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const mac = macFromBytes(bytes);
        expect(macToBytes(mac)).toEqual(bytes);
        for (const style of ["colons", "hyphens", "plain"] as const)
          expect(parseMac(formatMac(mac, style))).toBe(mac);
      }),
    );
    neverCrashes(parseMac);
  });

  test("ports", () => {
    expect(parsePort("65535")).toBe(65_535);
    expect(isPort(1.5)).toBe(false);
    for (const text of ["0", "65536", "-1", "http", "", "1e3", "080000"]) {
      expect(() => parsePort(text)).toThrow(`${JSON.stringify(text)} is not a port`);
    }
    neverCrashes(parsePort);
  });
});
