import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Owner, readJson, syncDirectory, writeJsonAtomic } from "../../base/files.js";
import {
  afterRestart,
  isToken,
  makeToken,
  type TokenRecord,
  tokenBytes,
  tokenRefusal,
  used,
} from "./token.js";

interface Given {
  record: TokenRecord;
  /** As it was handed out, so that a script that is asked for again is the same. Only in memory. */
  token?: string;
}

/**
 * The tokens that are good now: one a machine, that of its last boot. They live in memory; a server that ends in order
 * hands their records on to the next. After a crash none is good, so none that was used is good again.
 */
export class Tokens {
  readonly #byMac: Map<string, Given>;

  private constructor(records: Record<string, TokenRecord>) {
    this.#byMac = new Map(
      Object.entries(records).map(([mac, record]) => [mac, { record: afterRestart(record) }]),
    );
  }

  /** None yet, and none of any other server. */
  static fresh(): Tokens {
    return new Tokens({});
  }

  /** Takes over what the server before handed on: once, whatever happens to this one. */
  static async open(directory: string): Promise<Tokens> {
    const path = pathIn(directory);
    const records = await readJson<Record<string, TokenRecord>>(path).catch(() => undefined);
    await rm(path, { force: true });
    await syncDirectory(directory);
    return new Tokens(records ?? {});
  }

  async handOn(directory: string, owner: Owner | undefined): Promise<void> {
    if (this.#byMac.size === 0) return;
    const records = Object.fromEntries([...this.#byMac].map(([mac, { record }]) => [mac, record]));
    await writeJsonAtomic(pathIn(directory), records, { mode: 0o600, ...owner });
  }

  /** A token for a machine's boot: the same while it is unused and good for the same. */
  issue(mac: string, bound: Pick<TokenRecord, "address" | "profile" | "expires">, now: number): string {
    const given = this.#byMac.get(mac);
    if (given?.token !== undefined && Object.keys(given.record.uses).length === 0) {
      const { token } = given;
      if (!tokenRefusal(given.record, { ...bound, token, kind: "" }, now)) return token;
    }
    const made = makeToken(randomBytes(tokenBytes), bound);
    this.#byMac.set(mac, made);
    return made.token;
  }

  /** As `tokenRefusal`. */
  refusal(
    mac: string,
    asked: Parameters<typeof tokenRefusal>[1],
    now: number,
  ): ReturnType<typeof tokenRefusal> {
    return tokenRefusal(this.#byMac.get(mac)?.record, asked, now);
  }

  /** Marks a configuration as being sent. @returns to be called when that is over */
  begin(mac: string, kind: string): (outcome: "complete" | "broken") => void {
    const given = this.#byMac.get(mac)!;
    given.record = used(given.record, kind, "sending");
    return (outcome) => {
      given.record = used(given.record, kind, outcome === "complete" ? "spent" : undefined);
    };
  }

  /** Whether it is the token of the machine's last boot, used or not. */
  isOf(mac: string, token: string): boolean {
    const given = this.#byMac.get(mac);
    return given !== undefined && isToken(given.record, token);
  }

  forget(mac: string): void {
    this.#byMac.delete(mac);
  }

  /** @param now milliseconds since 1970 */
  forgetExpired(now: number): void {
    for (const [mac, { record }] of this.#byMac)
      if (now > Date.parse(record.expires)) this.#byMac.delete(mac);
  }
}

const pathIn = (directory: string): string => join(directory, "tokens.json");
