import { join } from "node:path";
import type { Clock } from "../../base/clock.js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { makeDirectory, type Owner } from "../../base/files.js";
import type { Observation, Observe } from "../observation.js";
import { type ApprovePolicy, installsOnce, isApproved, type MachineView, nextBoot } from "./next-boot.js";
import { MemoryRecords, RecordLog, type Records, readRecords } from "./record-log.js";
import {
  type Admission,
  type BootAnswer,
  type BootRequest,
  type ConfigRequest,
  needsToken,
  type Refusal,
  type ReportRequest,
} from "./requests.js";
import { step } from "./step.js";
import { Tokens } from "./tokens.js";
import type { LifeEvent, MachineLife } from "./types.js";

export interface LivesOptions {
  /** The lab's state directory. */
  directory: string;
  owner?: Owner | undefined;
  clock: Clock;
  observe: Observe;
  /** Asked each time: the lab may change. */
  policy: () => ApprovePolicy;
  /** Whether the lab describes the machine of a MAC. */
  isDescribed: (mac: string) => boolean;
  /** Whose address it is, by lease or by neighbour table; undefined: nobody can tell. */
  ownerOf: (address: string) => string | undefined;
  /** How many machines that nobody described or approved are remembered. @default 4096 */
  maxStrangers?: number;
  /** In which a machine is to be provisioned. @default 30 minutes */
  windowMs?: number;
  /** For which a token is good. @default 10 minutes */
  tokenMs?: number;
}

/** What a server wrote down of its machines; the server may be running. @param directory the lab's state directory */
export const readLives = async (directory: string): Promise<MachineLife[]> => [
  ...(await readRecords<MachineLife>(join(directory, lifeFile))).values(),
];

const lifeFile = "machines.ndjson";

/** How often it is looked for machines whose time is over. */
const tickMs = 15_000;

/** What is asked again after a refusal that is not for good. */
const retryAfterSeconds = 5;

/** The lives of all machines: in memory, and durable in `machines.ndjson` of the lab's state directory. */
export class Lives implements AsyncDisposable {
  readonly #log: Records<MachineLife>;
  readonly #options: Omit<LivesOptions, "directory"> & { directory: string | undefined };
  readonly #tokens: Tokens;
  /** MACs that the cap is for, the one last seen the last. */
  readonly #strangers = new Set<string>();
  readonly #ticking: NodeJS.Timeout;
  #closed = false;

  private constructor(
    log: Records<MachineLife>,
    tokens: Tokens,
    options: Omit<LivesOptions, "directory"> & { directory: string | undefined },
  ) {
    this.#log = log;
    this.#tokens = tokens;
    this.#options = options;
    for (const [mac, life] of log.entries()) if (this.#isStranger(life)) this.#strangers.add(mac);
    this.#ticking = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** @throws {SlipwayError} `STATE_CORRUPT`, `STATE_WRITE_FAILED` */
  static async open(options: LivesOptions): Promise<Lives> {
    const { directory, owner } = options;
    await makeDirectory(directory, { mode: 0o700, owner });
    const log = await RecordLog.open<MachineLife>(join(directory, lifeFile), { owner });
    return new Lives(log, await Tokens.open(directory), options);
  }

  /** Lives that begin now and leave nothing behind: nothing is read or written. */
  static inMemory(options: Omit<LivesOptions, "directory" | "owner">): Lives {
    return new Lives(new MemoryRecords(), Tokens.fresh(), { ...options, directory: undefined });
  }

  get(mac: string): MachineLife | undefined {
    return this.#log.get(mac);
  }

  all(): MachineLife[] {
    return [...this.#log.entries()].map(([, life]) => life);
  }

  /**
   * Takes what the servers saw: a machine that wants to boot is discovered, or still there. Those that only ask for an address,
   * telephones perhaps, are none.
   */
  readonly take = ({ mac, address, stage, details }: Observation): void => {
    if (mac === undefined || address === "0.0.0.0") return;
    const byDhcp = stage === "dhcp" || stage === "proxydhcp";
    if (!byDhcp && stage !== "http" && stage !== "ignition") return;
    const { firmware = "other" } = details;
    if (byDhcp && firmware === "other" && !this.#log.get(mac)) return;
    const isIts = address !== undefined && (byDhcp || this.#whoAsks(mac, address) !== "another");
    this.#apply(mac, { type: "seen", ...(isIts ? { address } : {}) });
  };

  /**
   * What a machine gets now, and takes note that it boots. Who asks for another machine, a person with curl perhaps, is told
   * the same, without its being that machine's boot. A machine without a MAC has no life, and gets what its group says.
   */
  boot(request: BootRequest): BootAnswer {
    const { labels, address, profile } = request;
    const { mac } = labels;
    const now = this.#now();
    if (mac === undefined) return this.#bootNameless(request, now);
    const asking = this.#whoAsks(mac, address);
    if (asking !== "another") this.#apply(mac, { type: "seen", address });
    const next = nextBoot(this.#log.get(mac), this.#view(request), this.#options.policy(), now);
    const secret = needsToken(profile);
    if (next.type === "profile" && secret && asking !== "itself") return wait(whoIsIt(address));
    if (asking === "another") return next;
    if (next.type !== "profile") return next;
    this.#apply(mac, { type: "approve", by: "policy" });
    const refused = this.#apply(mac, {
      type: "boot",
      profile: next.profile.id,
      installOnce: installsOnce(this.#view(request)),
      windowMs: this.#options.windowMs ?? 30 * 60_000,
    });
    if (refused !== undefined) return wait(refused);
    return secret ? { ...next, token: this.#token(mac, address, now) } : next;
  }

  /** Whether a configuration is given. */
  admitConfig(request: ConfigRequest): Admission {
    const { labels, profile, kind } = request;
    const { mac } = labels;
    const now = this.#now();
    const secret = needsToken(profile);
    if (mac === undefined) {
      if (!secret) return { admit: true, done: () => {} };
      return { status: 403, reason: "it needs the token of the boot script, and the machine's MAC address" };
    }
    const life = this.#log.get(mac);
    if (life?.state === "retired") return { status: 403, reason: "it is retired" };
    const approval = isApproved(life, this.#view(request), this.#options.policy());
    if (!approval.approved) return { status: 503, reason: approval.because, retryAfterSeconds };
    if (!secret) {
      const done = (outcome: "complete" | "broken") => this.#configDone(mac, outcome);
      return { admit: true, done };
    }
    const refusal = this.#tokens.refusal(mac, { ...request, profile: profile?.id }, now);
    if (refusal) return refusal.status === 503 ? { ...refusal, retryAfterSeconds } : refusal;
    if (this.#whoAsks(mac, request.address) !== "itself") {
      return { status: 403, reason: whoIsIt(request.address) };
    }
    const end = this.#tokens.begin(mac, kind);
    return {
      admit: true,
      done: (outcome) => {
        end(outcome);
        this.#configDone(mac, outcome);
      },
    };
  }

  /** What a node says of itself: from its own address, or with its boot's token. Durable when it comes back. */
  async report({
    mac,
    address,
    stage,
    reason,
    token,
  }: ReportRequest): Promise<{ ok: true } | Refusal<403 | 404 | 409>> {
    const life = this.#log.get(mac);
    if (life === undefined) return { status: 404, reason: "this machine was never seen" };
    const asking = this.#whoAsks(mac, address);
    const isItself = asking === "itself" || (asking === "unknown" && address === life.address);
    const hasToken = token !== undefined && this.#tokens.isOf(mac, token);
    if (!isItself && !hasToken) {
      const refusal = { status: 403 as const, reason: `${address} is not this machine's address` };
      this.#tell(mac, `report ${stage}`, "refused", { error: refusal.reason }, "report");
      return refusal;
    }
    const refused = this.#apply(mac, { type: "report", stage, ...(reason === undefined ? {} : { reason }) });
    const details = { ...(reason === undefined ? {} : { reason }), ...(refused ? { error: refused } : {}) };
    this.#tell(
      mac,
      stage,
      refused ? "refused" : stage === "failed" ? "failed" : "ok",
      details,
      "report",
      address,
    );
    if (refused !== undefined) return { status: 409, reason: refused };
    await this.#log.durable();
    return { ok: true };
  }

  /**
   * What a person wants of a machine. Durable when it comes back.
   *
   * @throws {SlipwayError} `MACHINE_NOT_FOUND`, or `USAGE` when its state does not allow it
   */
  async admin(mac: string, verb: "approve" | "reset" | "retire"): Promise<MachineLife> {
    if (verb !== "approve" && !this.#log.get(mac)) {
      throw new SlipwayError("MACHINE_NOT_FOUND", `${mac} was never seen here`, {
        hint: "slipway netboot machines lists those that were",
      });
    }
    const refused = this.#apply(mac, verb === "approve" ? { type: verb, by: "person" } : { type: verb });
    if (refused !== undefined)
      throw new SlipwayError("USAGE", `${mac} cannot be told to ${verb}: ${refused}`);
    if (verb !== "approve") this.#tokens.forget(mac);
    await this.#log.durable();
    return this.#log.get(mac)!;
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    this.#closed = true;
    await this.#log.close();
    const { directory, owner } = this.#options;
    if (directory !== undefined) await this.#tokens.handOn(directory, owner);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #view({ labels, group, profile }: Omit<BootRequest, "address">): MachineView {
    return { described: labels.mac !== undefined && this.#options.isDescribed(labels.mac), group, profile };
  }

  /** @returns why it cannot be; undefined: it is done */
  #apply(mac: string, event: LifeEvent): string | undefined {
    const before = this.#log.get(mac);
    const result = step(before, mac, event, this.#now());
    if ("refused" in result) return result.refused;
    const { life } = result;
    this.#strangers.delete(mac);
    if (this.#isStranger(life)) {
      if (before === undefined) this.#makeRoom();
      this.#strangers.add(mac);
    }
    if (life === before) return undefined;
    this.#log.set(mac, life);
    this.#writeSoon();
    if (life.state !== before?.state) {
      const details = {
        ...(life.reason === undefined ? {} : { reason: life.reason }),
        ...(life.state === "provisioning" && life.boot ? { profile: life.boot.profile } : {}),
        ...(life.state === "approved" && life.approvedBy ? { by: life.approvedBy } : {}),
      };
      this.#tell(mac, life.state, life.state === "failed" ? "failed" : "ok", details);
    }
    return undefined;
  }

  #token(mac: string, address: string, now: number): string {
    const { profile, until } = this.#log.get(mac)!.boot!;
    const expires = Math.min(now + (this.#options.tokenMs ?? 10 * 60_000), Date.parse(until));
    return this.#tokens.issue(mac, { address, profile, expires: new Date(expires).toISOString() }, now);
  }

  #configDone(mac: string, outcome: "complete" | "broken"): void {
    if (outcome === "complete") this.#apply(mac, { type: "config-fetched" });
  }

  #bootNameless(request: BootRequest, now: number): BootAnswer {
    const view = { ...request, described: false };
    const next = nextBoot(undefined, view, this.#options.policy(), now);
    if (next.type !== "profile" || !(needsToken(request.profile) || installsOnce(view))) return next;
    return wait("what it boots is for a machine that says its MAC address");
  }

  #whoAsks(mac: string, address: string): "itself" | "another" | "unknown" {
    if (address.startsWith("127.")) return "another";
    const owner = this.#options.ownerOf(address);
    return owner === undefined ? "unknown" : owner === mac ? "itself" : "another";
  }

  /** Those that the cap is for: installed ones never, or they would be installed again. */
  #isStranger({ mac, installed, approvedBy, state }: MachineLife): boolean {
    if (installed || approvedBy === "person" || state === "retired") return false;
    return !this.#options.isDescribed(mac);
  }

  /** The discovered stranger that was quiet longest goes, else the quietest of all. */
  #makeRoom(): void {
    const { isDescribed, maxStrangers = 4096 } = this.#options;
    if (this.#strangers.size < maxStrangers) return;
    let goes: string | undefined;
    for (const mac of this.#strangers) {
      if (isDescribed(mac)) continue;
      goes ??= mac;
      if (this.#log.get(mac)?.state !== "discovered") continue;
      goes = mac;
      break;
    }
    if (goes === undefined) return;
    this.#strangers.delete(goes);
    this.#tokens.forget(goes);
    this.#log.delete(goes);
  }

  #tick(): void {
    for (const [mac, life] of this.#log.entries()) {
      if (life.state === "provisioning") this.#apply(mac, { type: "tick" });
    }
    this.#tokens.forgetExpired(this.#now());
  }

  #writeSoon(): void {
    if (this.#closed) return;
    // Who must know that it is on the disk awaits durable(). What could not be written is tried again with the next change.
    this.#log.durable().catch((error: unknown) => {
      const time = this.#options.clock.now().toISOString();
      const details = { error: messageOf(error) };
      this.#options.observe({ time, stage: "life", what: "state not written", outcome: "failed", details });
    });
  }

  #tell(
    mac: string,
    what: string,
    outcome: Observation["outcome"],
    details: Record<string, string>,
    stage: Observation["stage"] = "life",
    address = this.#log.get(mac)?.address,
  ): void {
    this.#options.observe({
      time: this.#options.clock.now().toISOString(),
      mac,
      ...(address === undefined ? {} : { address }),
      stage,
      what,
      outcome,
      details,
    });
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

const wait = (because: string): BootAnswer => ({ type: "wait", seconds: 10, because });

const whoIsIt = (address: string): string =>
  `what it boots has secrets, and neither a lease nor the neighbour table says that ${address} is its address`;
