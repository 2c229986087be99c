import { createHash, timingSafeEqual } from "node:crypto";

/** What is kept of a token: never the token itself. */
export interface TokenRecord {
  /** SHA-256, hexadecimal. */
  hash: string;
  /** The machine's own address, the only one that it is good for. */
  address: string;
  /** Id of the boot profile that it was handed out with. */
  profile: string;
  /** ISO 8601 */
  expires: string;
  /** By kind of configuration, `ignition`, `cloud`, …: being sent, or sent whole. */
  uses: Readonly<Record<string, "sending" | "spent">>;
}

/** 256 bits. */
export const tokenBytes = 32;

/** A new token, and what is kept of it. @param random `tokenBytes` of them, from a generator for secrets */
export function makeToken(
  random: Uint8Array,
  bound: Pick<TokenRecord, "address" | "profile" | "expires">,
): { token: string; record: TokenRecord } {
  if (random.length < tokenBytes) throw new RangeError(`a token needs ${tokenBytes} random bytes`);
  const token = Buffer.from(random).toString("base64url");
  return { token, record: { hash: hashOf(token).toString("hex"), ...bound, uses: {} } };
}

/**
 * Why a configuration is not given for a token; undefined: it is. Ignition asks again only after 5xx: what cannot
 * become right is 403, what can is 503.
 *
 * @param now milliseconds since 1970
 */
export function tokenRefusal(
  record: TokenRecord | undefined,
  asked: { token?: string | undefined; address: string; profile: string | undefined; kind: string },
  now: number,
): { status: 403 | 503; reason: string } | undefined {
  const never = (reason: string) => ({ status: 403, reason }) as const;
  if (asked.token === undefined || asked.token === "") return never("it needs the token of the boot script");
  if (record === undefined) return never("no token is good for this machine now; let it boot again");
  if (!isToken(record, asked.token)) return never("the token is not the one of this machine's last boot");
  if (asked.address !== record.address) return never(`the token is good for ${record.address} only`);
  if (asked.profile !== record.profile) return never(`the token is for boot profile ${record.profile}`);
  if (now > Date.parse(record.expires)) return never("the token has expired; let the machine boot again");
  switch (record.uses[asked.kind]) {
    case "spent":
      return never("the token was used; let the machine boot again");
    case "sending":
      return { status: 503, reason: "it is being sent to this machine" };
    default:
      return undefined;
  }
}

/** Whether a token is the one; takes as long whatever is wrong with it. */
export const isToken = (record: TokenRecord, token: string): boolean =>
  timingSafeEqual(Buffer.from(record.hash, "hex"), hashOf(token));

/** The record while a configuration is sent, when it was sent whole, or when the transfer broke off. */
export function used(record: TokenRecord, kind: string, use: "sending" | "spent" | undefined): TokenRecord {
  const { [kind]: _, ...others } = record.uses;
  return { ...record, uses: use === undefined ? others : { ...others, [kind]: use } };
}

/** After a restart nobody knows whether what was being sent arrived: it counts as used. */
export const afterRestart = (record: TokenRecord): TokenRecord => ({
  ...record,
  uses: Object.fromEntries(Object.keys(record.uses).map((kind) => [kind, "spent"])),
});

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();

/** Ends of the URLs behind which configurations are. */
const configUrl = /^(?:[^=\s]+=)?https?:\/\/[^\s?]+\/(?:ignition|cloud|generic|metadata)(?:\?|$)/;

/** Kernel arguments with the token in the URL of each configuration of this server: `ignition.config.url=…&token=…`. */
export const withToken = (args: readonly string[], token: string): string[] =>
  args.map((arg) => (configUrl.test(arg) ? `${arg}${arg.includes("?") ? "&" : "?"}token=${token}` : arg));
