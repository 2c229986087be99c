import {
  type Answer,
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { type DnsNames, hostsOf, isAtOrBelow, recordOf, reversedAddress } from "./names.js";

/** What follows from a query. */
export type DnsAnswer =
  | { type: "reply"; bytes: Buffer; rcode: Rcode; about: string; because: string }
  | { type: "forward"; query: DnsQuery }
  /** No query. */
  | { type: "none" };

export interface DnsQuery {
  bytes: Buffer;
  packet: DecodedPacket;
  question: Question;
  /** `A node1.example.com`, for people. */
  about: string;
  /** The most that the client takes in one answer. */
  maxBytes: number;
}

export type Transport = "udp" | "tcp";

/** RFC 1035 §4.1.1, RFC 6891 §9. */
const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export type Rcode = keyof typeof rcodes;

/** Fits any network unfragmented (dnsflagday.net 2020). */
const ednsBytes = 1232;
/** A query with one question of 255 bytes and some EDNS options is far smaller. */
const maxQueryBytes = 1024;
const headerBytes = 12;
const responseBit = 0x80;
/** As dnsmasq: what a lease says can change at any time. */
const ttl = 0;

/** Answers a query as dnsmasq does (RFC 1035; EDNS: RFC 6891), or says that others have to be asked. */
export function answerQuery(
  bytes: Buffer,
  names: DnsNames,
  { transport, forwards }: { transport: Transport; forwards: boolean },
): DnsAnswer {
  if (bytes.length < headerBytes || (bytes[2]! & responseBit) !== 0) return { type: "none" };
  const opcode = (bytes[2]! >> 3) & 0xf;
  if (opcode !== 0) return bare(bytes, "NOTIMP", "only queries are answered");
  const query = readQuery(bytes, transport);
  if (!query) return bare(bytes, "FORMERR", "it cannot be read as one question");
  const opt = query.packet.additionals?.find((record) => record.type === "OPT");
  if (opt?.type === "OPT" && opt.ednsVersion > 0)
    return reply(query, "BADVERS", [], "EDNS version", forwards);
  const { class: asked = "IN", type } = query.question;
  if (asked !== "IN") return reply(query, "REFUSED", [], `class ${asked} is not served`, forwards);
  if (type === "AXFR" || type === "IXFR") return reply(query, "REFUSED", [], "no transfers", forwards);
  const known = ownAnswer(query.question, names);
  if (known) return reply(query, known.rcode, known.answers, known.because, forwards);
  if (forwards && query.packet.flag_rd) return { type: "forward", query };
  return reply(query, "REFUSED", [], "the name is not known, and nobody is asked", forwards);
}

/** An answer to a forwarded query that never came. */
export const failedReply = (query: DnsQuery, because: string): Extract<DnsAnswer, { type: "reply" }> =>
  reply(query, "SERVFAIL", [], because, true);

/** An answer that is longer than the client takes: it is told to come by TCP. */
export const truncated = (query: DnsQuery, answer: Buffer): Buffer =>
  answer.length <= query.maxBytes ? answer : cutToQuestion(answer);

/** What is left of an answer that is not given over UDP: its question, and the word to come by TCP. */
export function cutToQuestion(answer: Buffer): Buffer {
  const questions = answer.readUInt16BE(4);
  let end = headerBytes;
  for (let length = answer[end]!; questions > 0 && length > 0; length = answer[end]!) end += 1 + length;
  const cut = Buffer.from(answer.subarray(0, questions > 0 ? end + 5 : end)); // the root, type and class
  cut[2]! |= TRUNCATED_RESPONSE >> 8;
  cut.fill(0, 6, headerBytes); // no answers, authorities, additionals
  return cut;
}

/** Where the question ends: after the header, the name, type and class. */
export const questionEnd = ({ question }: DnsQuery): number => encode({ questions: [question] }).length;

function ownAnswer(
  { name, type }: Question,
  names: DnsNames,
): { rcode: Rcode; answers: Answer[]; because: string } | undefined {
  const known = (addresses: readonly string[], because: string) => ({
    rcode: "NOERROR" as const,
    answers: addresses.flatMap((address) => addressAnswer(name, type, address)),
    because,
  });
  const hosts = hostsOf(name, names);
  if (hosts.length > 0)
    return known(
      hosts.map(({ address }) => address),
      "a machine's lease",
    );
  const record = recordOf(name, names.records);
  if (record) return known(record.addresses, `configured: ${record.name}`);
  const reversed = reversedAddress(name);
  const host = reversed === undefined ? undefined : names.hostAt(reversed);
  if (host) {
    const data = host.domain ? `${host.name}.${host.domain}` : host.name;
    const asked = type === "PTR" || isAny(type);
    return {
      rcode: "NOERROR",
      answers: asked ? [{ type: "PTR", name, ttl, data }] : [],
      because: "a machine's lease",
    };
  }
  const domain = names.domains.find((candidate) => isAtOrBelow(name, candidate));
  if (domain === undefined) return undefined;
  // The domain itself exists, without records.
  const rcode = name.toLowerCase() === domain.toLowerCase() ? "NOERROR" : "NXDOMAIN";
  return { rcode, answers: [], because: `no machine of ${domain} has this name` };
}

function addressAnswer(name: string, type: string, address: string): Answer[] {
  const own = address.includes(":") ? "AAAA" : "A";
  return type === own || isAny(type) ? [{ type: own, name, ttl, data: address }] : [];
}

/** The types of dns-packet do not have it. */
const isAny = (type: string): boolean => type === "ANY";

/** @returns undefined for anything but one question that is written in the usual way. */
function readQuery(bytes: Buffer, transport: Transport): DnsQuery | undefined {
  const [questions, answers, authorities] = [4, 6, 8].map((at) => bytes.readUInt16BE(at));
  if (questions !== 1 || answers !== 0 || authorities !== 0 || bytes.readUInt16BE(10) > 2) return undefined;
  if (bytes.length > maxQueryBytes) return undefined;
  try {
    const packet = decode(bytes);
    const question = packet.questions![0]!;
    const again = encode({ questions: [question] });
    // A name with dots inside its labels, say, would be taken for another.
    if (!again.subarray(headerBytes).equals(bytes.subarray(headerBytes, again.length))) return undefined;
    const opt = packet.additionals?.find((record) => record.type === "OPT");
    const size = opt?.type === "OPT" ? Math.min(Math.max(opt.udpPayloadSize, 512), ednsBytes) : 512;
    const maxBytes = transport === "tcp" ? 65_535 : size;
    return { bytes, packet, question, about: `${question.type} ${question.name}`, maxBytes };
  } catch {
    return undefined;
  }
}

function reply(
  query: DnsQuery,
  rcode: Rcode,
  answers: Answer[],
  because: string,
  forwards: boolean,
): Extract<DnsAnswer, { type: "reply" }> {
  const { packet, question } = query;
  const authoritative = rcode === "NOERROR" || rcode === "NXDOMAIN" ? AUTHORITATIVE_ANSWER : 0;
  const flags =
    authoritative |
    (packet.flag_rd ? RECURSION_DESIRED : 0) |
    (forwards ? RECURSION_AVAILABLE : 0) |
    (rcodes[rcode] & 0xf);
  const withOpt = packet.additionals?.some((record) => record.type === "OPT") ?? false;
  const message: Packet = {
    type: "response",
    id: packet.id ?? 0,
    flags: flags & ~AUTHENTIC_DATA,
    questions: [question],
    answers,
    additionals: withOpt ? [opt(rcodes[rcode] >> 4)] : [],
  };
  const whole = encode(message);
  const bytes =
    whole.length <= query.maxBytes
      ? whole
      : encode({ ...message, flags: flags | TRUNCATED_RESPONSE, answers: [] });
  return { type: "reply", bytes, rcode, about: query.about, because };
}

const opt = (extendedRcode: number): Answer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize: ednsBytes,
  extendedRcode,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

/** An answer to what could not be read: a header. */
function bare(query: Buffer, rcode: Rcode, because: string): DnsAnswer {
  const bytes = Buffer.alloc(headerBytes);
  query.copy(bytes, 0, 0, 3);
  bytes[2]! |= responseBit;
  bytes[2]! &= 0b1111_1001; // neither authoritative nor truncated
  bytes[3] = rcodes[rcode];
  return { type: "reply", bytes, rcode, about: "a query", because };
}
