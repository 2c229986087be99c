import { encode, RECURSION_DESIRED, type RecordType } from "dns-packet";
import { mutated, type Random } from "./random.js";

const names = [
  ...["node1.lab.test", "NODE1.lab.test", "nobody.lab.test", "lab.test", "outside.example", "x.cluster.test"],
  ...["200.0.88.10.in-addr.arpa", "999.1.1.1.in-addr.arpa", "localhost", "a", ".", "xn--nxasmq6b.lab.test"],
  `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`,
];
const types = [
  "A",
  "AAAA",
  "PTR",
  "ANY",
  "TXT",
  "AXFR",
  "SOA",
  "NS",
  "OPT",
  "SRV",
] as unknown as RecordType[];

const query = (random: Random): Buffer =>
  encode({
    type: "query",
    id: random.below(65_536),
    flags: random.chance(2) ? RECURSION_DESIRED : 0,
    questions: Array.from({ length: random.chance(20) ? random.below(4) : 1 }, () => ({
      type: random.of(types),
      name: random.of(names),
    })),
    additionals: random.chance(2)
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: random.of([0, 511, 512, 1232, 4096, 65_535]),
            ednsVersion: random.of([0, 0, 0, 1]),
            extendedRcode: 0,
            flags: 0,
            flag_do: random.chance(2),
            options: [],
          },
        ]
      : [],
  });

/** A name that points at itself, at its end, at the header, far away: RFC 1035 §4.1.4's pointers. */
function pointers(random: Random): Buffer {
  const header = Buffer.from("000001000001000000000000", "hex");
  const name = Buffer.concat(
    Array.from({ length: 1 + random.below(60) }, () =>
      random.chance(3)
        ? Buffer.of(0xc0 | random.below(4), random.of([0, 12, 13, 14, 20, 255]))
        : Buffer.of(1, random.below(256)),
    ),
  );
  return Buffer.concat([header, name, Buffer.of(0, 0, 1, 0, 1)]);
}

export function dnsPacket(random: Random): Buffer {
  switch (random.below(20)) {
    case 0:
      return random.bytes(random.below(600));
    case 1:
    case 2:
      return pointers(random);
    default:
      return random.chance(3)
        ? query(random)
        : mutated(query(random), random, query(random)).subarray(0, 1472);
  }
}

/** Its own question in each, by which its answer is known. */
export const dnsProbe = (number: number): Buffer =>
  encode({
    type: "query",
    id: number & 0xffff,
    flags: 0,
    questions: [{ type: "A", name: `probe-${number}.lab.test` }],
  });
