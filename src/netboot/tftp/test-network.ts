import { negotiate } from "./negotiate.js";
import {
  beginTransfer,
  blockRange,
  stepTransfer,
  type TransferOutcome,
  type TransferStep,
} from "./transfer.js";

/** What happens to packets; the same seed does the same. */
export interface Network {
  seed: number;
  /** Of 1, each way. */
  loss: number;
  duplication: number;
  /** Every packet takes between 0 and this: packets overtake each other. */
  maxDelayMs: number;
}

type ToServer = { type: "request" } | { type: "ack"; block: number };
type ToClient = { type: "options" } | { type: "data"; block: number; data: Buffer };

/**
 * A file over a bad network in simulated time: the server's transfers against a client as simple as firmware has it, which
 * acknowledges whatever it gets and asks again when it hears nothing.
 */
export function transferOver(
  file: Buffer,
  { blockSize, windowSize }: { blockSize?: number | undefined; windowSize?: number | undefined },
  network: Network,
): { received: Buffer | undefined; sent: number; outcome: TransferOutcome | undefined } {
  const asked = new Map<string, string>();
  if (blockSize !== undefined) asked.set("blksize", String(blockSize));
  if (windowSize !== undefined) asked.set("windowsize", String(windowSize));
  const terms = negotiate(asked, file.length, { maxBlockSize: 1468, maxWindowSize: 64 });
  const random = randomOf(network.seed);
  const agenda = new Agenda();
  let dataSent = 0;

  const carry = <T>(packet: T, arrive: (packet: T) => void) => {
    const copies = random() < network.duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (random() >= network.loss) agenda.add(random() * network.maxDelayMs, () => arrive(packet));
    }
  };

  let step: TransferStep | undefined;
  let deadline = Number.POSITIVE_INFINITY;
  /** When the server looks next whether the deadline is over: not for each packet anew, they are many. */
  let looksAt = Number.POSITIVE_INFINITY;
  let outcome: TransferOutcome | undefined;
  const lookAt = (time: number) => {
    looksAt = time;
    agenda.add(time - agenda.now, () => {
      if (looksAt !== time) return;
      looksAt = Number.POSITIVE_INFINITY;
      if (!step) return;
      if (agenda.now >= deadline) follow(stepTransfer(step.state, { type: "timeout" }));
      else lookAt(deadline);
    });
  };
  const follow = (next: TransferStep) => {
    step = next;
    if (next.waitMs !== undefined) {
      deadline = agenda.now + next.waitMs;
      if (deadline < looksAt) lookAt(deadline);
    }
    if (next.send?.what === "options") carry<ToClient>({ type: "options" }, clientGets);
    else if (next.send) {
      for (let i = 0; i < next.send.count; i++) {
        const block = next.send.first + i;
        const { offset, length } = blockRange(next.state, block);
        dataSent++;
        carry<ToClient>(
          { type: "data", block: block & 0xffff, data: file.subarray(offset, offset + length) },
          clientGets,
        );
      }
    }
    if (next.outcome) {
      outcome = next.outcome;
      step = undefined;
    }
  };
  const serverGets = (packet: ToServer) => {
    if (packet.type === "ack") {
      if (step) follow(stepTransfer(step.state, packet));
    } else if (!step) {
      // Whoever has the whole file does not ask: this is an old request, answered as any other.
      follow(beginTransfer(terms, file.length));
    } else if (!step.state.answered) follow(stepTransfer(step.state, { type: "timeout" }));
  };

  const blocks: Buffer[] = [];
  let started = false;
  let inWindow = 0;
  let complete = false;
  let heard = 0;
  const say = (packet: ToServer) => carry(packet, serverGets);
  const acknowledge = () => {
    inWindow = 0;
    say({ type: "ack", block: blocks.length & 0xffff });
  };
  const clientGets = (packet: ToClient) => {
    heard++;
    if (packet.type === "options") {
      started = true;
      if (blocks.length === 0) acknowledge();
      return;
    }
    if (!started && terms.granted.size > 0) return;
    started = true;
    if (packet.block !== ((blocks.length + 1) & 0xffff) || complete) return acknowledge();
    blocks.push(packet.data);
    complete = packet.data.length < terms.blockSize;
    if (++inWindow >= terms.windowSize || complete) acknowledge();
  };
  const patience = (heardBefore: number) => {
    if (complete) return;
    if (heard === heardBefore) started ? acknowledge() : say({ type: "request" });
    const now = heard;
    agenda.add(1500, () => patience(now));
  };
  say({ type: "request" });
  agenda.add(1500, () => patience(0));
  agenda.run(3600_000);
  return { received: complete ? Buffer.concat(blocks) : undefined, sent: dataSent, outcome };
}

/** What is to happen, by its time. */
class Agenda {
  now = 0;
  #order = 0;
  readonly #due: { at: number; order: number; act: () => void }[] = [];

  add(inMs: number, act: () => void): void {
    const entry = { at: this.now + inMs, order: this.#order++, act };
    let i = this.#due.length;
    while (i > 0 && this.#due[i - 1]!.at > entry.at) i--;
    this.#due.splice(i, 0, entry);
  }

  run(untilMs: number): void {
    for (let next = this.#due.shift(); next && next.at <= untilMs; next = this.#due.shift()) {
      this.now = next.at;
      next.act();
    }
  }
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
