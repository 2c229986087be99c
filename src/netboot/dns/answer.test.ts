import { decode, encode, type OptAnswer, type Packet, type Question } from "dns-packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { answerQuery, cutToQuestion, truncated } from "./answer.js";
import { MessageReader } from "./framing.js";
import type { DnsHost, DnsNames } from "./names.js";
import { parseUpstream, upstreamText } from "./upstream.js";

const hosts: DnsHost[] = [
  { name: "node1", address: "10.88.0.50", domain: "lab.example" },
  { name: "node2", address: "10.88.0.51" },
];
const many = Array.from({ length: 100 }, (_, i) => `10.1.0.${i}`);
const names: DnsNames = {
  records: [
    { name: "cluster.example", addresses: ["10.88.0.2", "fd00::2"] },
    { name: "Node1.cluster.example", addresses: ["10.88.0.21"] },
    { name: "many.example", addresses: many },
  ],
  domains: ["lab.example"],
  hostsNamed: (name) => hosts.filter((host) => host.name === name),
  hostAt: (address) => hosts.find((host) => host.address === address),
};

const opt = (more: Partial<OptAnswer> = {}): OptAnswer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize: 4096,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
  ...more,
});
const query = (question: { name: string; type: string; class?: string }, more: Packet = {}): Buffer =>
  encode({ type: "query", id: 7, flags: 0x100, questions: [question as Question], ...more });
const ask = (
  bytes: Buffer,
  { transport = "udp", forwards = false }: { transport?: "udp" | "tcp"; forwards?: boolean } = {},
) => answerQuery(bytes, names, { transport, forwards });
function told(name: string, type: string): string {
  const answer = ask(query({ name, type }));
  if (answer.type !== "reply") return answer.type;
  const { answers, questions, id, flag_aa } = decode(answer.bytes);
  expect({ id, questions: questions?.length, aa: flag_aa }).toEqual({
    id: 7,
    questions: 1,
    aa: answer.rcode === "NOERROR" || answer.rcode === "NXDOMAIN",
  });
  return [
    answer.rcode,
    ...answers!.map((record) => ("data" in record ? String(record.data) : record.type)),
  ].join(" ");
}

test.each([
  ["cluster.example", "A", "NOERROR 10.88.0.2"],
  ["cluster.example", "AAAA", "NOERROR fd00::2"],
  ["cluster.example", "ANY", "NOERROR 10.88.0.2 fd00::2"],
  ["cluster.example", "MX", "NOERROR"],
  ["deep.below.cluster.example", "A", "NOERROR 10.88.0.2"],
  ["node1.cluster.example", "A", "NOERROR 10.88.0.21"],
  ["x.node1.CLUSTER.example", "A", "NOERROR 10.88.0.21"],
  ["node1.cluster.example", "AAAA", "NOERROR"],
  ["notcluster.example", "A", "REFUSED"],
  ["node1", "A", "NOERROR 10.88.0.50"],
  ["NODE1.lab.Example", "A", "NOERROR 10.88.0.50"],
  ["node1.lab.example", "AAAA", "NOERROR"],
  ["node2", "A", "NOERROR 10.88.0.51"],
  ["node2.lab.example", "A", "NXDOMAIN"],
  ["nobody.lab.example", "A", "NXDOMAIN"],
  ["lab.example", "A", "NOERROR"],
  ["50.0.88.10.in-addr.arpa", "PTR", "NOERROR node1.lab.example"],
  ["51.0.88.10.in-addr.arpa", "PTR", "NOERROR node2"],
  ["52.0.88.10.in-addr.arpa", "PTR", "REFUSED"],
  ["node1", "AXFR", "REFUSED"],
  ["elsewhere.example", "A", "REFUSED"],
])("%s %s is %s", (name, type, expected) => {
  expect(told(name, type)).toBe(expected);
});

test("others are asked only when there are some, and the client wishes it", () => {
  const elsewhere = { name: "elsewhere.example", type: "A" };
  expect(ask(query(elsewhere), { forwards: true })).toMatchObject({ type: "forward" });
  expect(ask(query(elsewhere, { flags: 0 }), { forwards: true })).toMatchObject({ rcode: "REFUSED" });
  expect(ask(query({ name: "nobody.lab.example", type: "A" }), { forwards: true })).toMatchObject({
    rcode: "NXDOMAIN",
  });
});

test("the question comes back as it was written", () => {
  const answer = ask(query({ name: "NoDe1.LaB.eXaMpLe", type: "A" }));
  if (answer.type !== "reply") throw new Error(answer.type);
  expect(decode(answer.bytes).questions?.[0]?.name).toBe("NoDe1.LaB.eXaMpLe");
});

test("an answer that is too long over UDP is cut short, and says so", () => {
  const question = { name: "many.example", type: "A" };
  const lengths = (["udp", "tcp"] as const).map((transport) => {
    const answer = ask(query(question, { additionals: [opt()] }), { transport });
    if (answer.type !== "reply") throw new Error(answer.type);
    const { flag_tc, answers } = decode(answer.bytes);
    return { tc: flag_tc, answers: answers?.length };
  });
  expect(lengths).toEqual([
    { tc: true, answers: 0 },
    { tc: false, answers: 100 },
  ]);
});

test("a forwarded answer that is longer than the client takes is cut to its question", () => {
  const asked = query({ name: "elsewhere.example", type: "TXT" });
  const answer = ask(asked, { forwards: true });
  if (answer.type !== "forward") throw new Error(answer.type);
  const long = encode({
    ...decode(asked),
    type: "response",
    answers: [
      { type: "TXT", name: "elsewhere.example", data: ["x".repeat(250), "y".repeat(250), "z".repeat(250)] },
    ],
  });
  const cut = decode(truncated(answer.query, long));
  expect({ tc: cut.flag_tc, answers: cut.answers, questions: cut.questions?.length, id: cut.id }).toEqual({
    tc: true,
    answers: [],
    questions: 1,
    id: 7,
  });
});

test("whatever is answered can be cut to its question, which is no longer than what was asked", () => {
  for (const [name, type] of [
    ["many.example", "A"],
    ["nobody.lab.example", "AAAA"],
    ["50.0.88.10.in-addr.arpa", "PTR"],
    [".", "ANY"],
  ] as const) {
    const asked = query({ name, type }, { additionals: [opt()] });
    const answer = ask(asked);
    if (answer.type !== "reply") throw new Error(answer.type);
    const cut = cutToQuestion(answer.bytes);
    expect(cut.length).toBeLessThanOrEqual(asked.length);
    const { flag_tc, questions, answers, additionals } = decode(cut);
    expect({ flag_tc, questions, answers, additionals }).toMatchObject({
      flag_tc: true,
      questions: [{ name, type }],
      answers: [],
      additionals: [],
    });
  }
  const refused = ask(Buffer.alloc(12));
  if (refused.type !== "reply") throw new Error(refused.type);
  expect(cutToQuestion(refused.bytes)).toHaveLength(12);
});

test("EDNS is answered with EDNS, a version of it that is not known with BADVERS", () => {
  const answer = (additionals: OptAnswer[]) => {
    const got = ask(query({ name: "node1", type: "A" }, { additionals }));
    if (got.type !== "reply") throw new Error(got.type);
    return [got.rcode, decode(got.bytes).additionals?.map((record) => record.type)];
  };
  expect(answer([])).toEqual(["NOERROR", []]);
  expect(answer([opt()])).toEqual(["NOERROR", ["OPT"]]);
  expect(answer([opt({ ednsVersion: 1 })])).toEqual(["BADVERS", ["OPT"]]);
});

test("what is no simple question gets an error, what is no query nothing", () => {
  const good = query({ name: "node1", type: "A" });
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good);
    change(bytes);
    return ask(bytes);
  };
  expect(ask(good.subarray(0, 11))).toEqual({ type: "none" });
  expect(changed((bytes) => bytes.writeUInt8(0x80, 2))).toEqual({ type: "none" });
  expect(changed((bytes) => bytes.writeUInt8(0x28, 2))).toMatchObject({ rcode: "NOTIMP" });
  expect(changed((bytes) => bytes.writeUInt16BE(2, 4))).toMatchObject({ rcode: "FORMERR" });
  expect(changed((bytes) => bytes.writeUInt16BE(0xc00c, 12))).toMatchObject({ rcode: "FORMERR" });
  expect(ask(good.subarray(0, good.length - 3))).toMatchObject({ rcode: "FORMERR" });
  expect(ask(query({ name: "version.bind", type: "TXT", class: "CH" }))).toMatchObject({ rcode: "REFUSED" });
  // "a.b" in one label is not the name a.b
  const label = Buffer.concat([
    good.subarray(0, 12),
    Buffer.from("\x0flab.example.xyz\0\0\x01\0\x01", "latin1"),
  ]);
  expect(ask(label)).toMatchObject({ rcode: "FORMERR" });
});

test("no bytes make it throw", () => {
  const good = query({ name: "node1.lab.example", type: "A" }, { additionals: [opt()] });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 }),
      fc.uint8Array({ maxLength: 100 }),
      (changes, tail) => {
        const bytes = Buffer.concat([good, tail]);
        for (const [at, value] of changes) bytes[at] = value;
        ask(bytes, { forwards: true });
        ask(Buffer.from(tail));
      },
    ),
    { numRuns: 5000 },
  );
});

test("messages are cut from a stream wherever it breaks", () => {
  const stream = Buffer.from("\0\x03abc\0\0\0\x01d", "latin1");
  fc.assert(
    fc.property(fc.nat({ max: stream.length }), (cut) => {
      const reader = new MessageReader(10);
      const got = [...reader.take(stream.subarray(0, cut))!, ...reader.take(stream.subarray(cut))!];
      expect(got.map(String)).toEqual(["abc", "", "d"]);
    }),
  );
  expect(new MessageReader(10).take(Buffer.from([0, 11]))).toBeUndefined();
});

test.each([
  ["1.1.1.1", "1.1.1.1:53"],
  ["1.1.1.1:5353", "1.1.1.1:5353"],
  ["fd00::1", "[fd00::1]:53"],
  ["[fd00::1]:5353", "[fd00::1]:5353"],
])("the server %s is %s", (text, expected) => {
  expect(upstreamText(parseUpstream(text))).toBe(expected);
});

test.each(["dns.example", "1.1.1.1:0", "1.1.1.1:99999", "1.1.1", ""])("%j is no server", (text) => {
  expect(() => parseUpstream(text)).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID" }));
});
