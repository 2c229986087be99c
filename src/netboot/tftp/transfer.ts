import type { TransferTerms } from "./negotiate.js";

/**
 * One transfer of a file to a client, from the request on (RFC 1350 §2 and §6, RFC 7440 §4): a state, an event, and what
 * follows. Blocks are counted on from 1 here; only on the wire their number has 16 bits and goes from 65535 to 0.
 */
export interface TransferState {
  readonly terms: TransferTerms;
  readonly sizeBytes: number;
  /** How many there are: the last one is short, or empty. */
  readonly blocks: number;
  /** Until the client has acknowledged the options, no block is sent. */
  readonly phase: "options" | "data";
  /** The client has got all blocks up to this one. */
  readonly acknowledged: number;
  /** The last block of the window that is on its way. */
  readonly sent: number;
  /** Whether the client has ever answered: its address could be forged. */
  readonly answered: boolean;
  /** How often in a row nothing was heard in time. */
  readonly silences: number;
  /** Packets that were sent again. */
  readonly resent: number;
}

export type TransferEvent =
  | { type: "ack"; block: number }
  | { type: "error"; code: number; message: string }
  | { type: "timeout" };

export interface TransferStep {
  state: TransferState;
  /** The option acknowledgement, or `count` blocks from block `first` on. */
  send?: { what: "options" } | { what: "data"; first: number; count: number };
  /** From now on wait this long for the client. undefined: the wait goes on as it was. */
  waitMs?: number;
  /** The end. */
  outcome?: TransferOutcome;
}

export type TransferOutcome =
  | { type: "done" }
  /** The client wanted to know the size only: UEFI does so before each file, and ends it with an error. */
  | { type: "probed" }
  /** The client gave up. */
  | { type: "aborted"; why: string }
  | { type: "lost"; why: string };

/** Silences after which a client is given up that has never answered: what a forged address is sent is bounded. */
const maxUnansweredSilences = 3;
const maxSilences = 6;
const [firstWaitMs, longestWaitMs] = [1000, 8000];

/** Starts with the option acknowledgement if an option was granted, else with data (RFC 2347). */
export function beginTransfer(terms: TransferTerms, sizeBytes: number): TransferStep {
  const start: TransferState = {
    terms,
    sizeBytes,
    blocks: Math.floor(sizeBytes / terms.blockSize) + 1,
    phase: terms.granted.size > 0 ? "options" : "data",
    acknowledged: 0,
    sent: 0,
    answered: false,
    silences: 0,
    resent: 0,
  };
  return start.phase === "options"
    ? { state: start, send: { what: "options" }, waitMs: waitMs(start) }
    : sendWindow(start, 0, 0, false);
}

export function stepTransfer(state: TransferState, event: TransferEvent): TransferStep {
  switch (event.type) {
    case "ack":
      return onAck(state, event.block);
    case "timeout":
      return onTimeout(state);
    case "error":
      return { state, outcome: onError(state, event) };
  }
}

/** Where a block's data lies in the file. */
export function blockRange(state: TransferState, block: number): { offset: number; length: number } {
  const offset = (block - 1) * state.terms.blockSize;
  return { offset, length: Math.min(state.terms.blockSize, state.sizeBytes - offset) };
}

function onAck(state: TransferState, block: number): TransferStep {
  if (state.phase === "options") return block === 0 ? sendWindow(state, 0, 0, true) : { state };
  const news = (block - state.acknowledged) & 0xffff;
  // An acknowledgement that says nothing new is a sign of life, but never answered: each answer would double all that
  // follows (Sorcerer's Apprentice, RFC 1123 §4.2.3.1).
  if (news === 0 && state.answered) return { state: { ...state, silences: 0 } };
  if (news === 0 || news > state.sent - state.acknowledged) return { state };
  const acknowledged = state.acknowledged + news;
  return acknowledged === state.blocks
    ? { state: { ...state, acknowledged, answered: true, silences: 0 }, outcome: { type: "done" } }
    : sendWindow(state, acknowledged, 0, true);
}

/**
 * Sends the window after what is acknowledged: a client that acknowledged a part of the last one has lost the rest (RFC 7440
 * §4). The new state is written out field by field, as this runs for every packet and a spread costs microseconds.
 */
function sendWindow(
  state: TransferState,
  acknowledged: number,
  silences: number,
  answered: boolean,
): TransferStep {
  const { terms, sizeBytes, blocks } = state;
  const count = Math.min(terms.windowSize, blocks - acknowledged);
  const next: TransferState = {
    terms,
    sizeBytes,
    blocks,
    phase: "data",
    acknowledged,
    sent: acknowledged + count,
    answered,
    silences,
    resent: state.resent + Math.max(0, state.sent - acknowledged),
  };
  return { state: next, send: { what: "data", first: acknowledged + 1, count }, waitMs: waitMs(next) };
}

function onTimeout(state: TransferState): TransferStep {
  const silences = state.silences + 1;
  if (silences > (state.answered ? maxSilences : maxUnansweredSilences)) {
    const why =
      state.sent === state.blocks && state.answered
        ? "the last blocks were never acknowledged"
        : state.answered
          ? `silent since block ${state.acknowledged} of ${state.blocks}`
          : "the client never answered";
    return { state, outcome: { type: "lost", why } };
  }
  if (state.phase === "data") return sendWindow(state, state.acknowledged, silences, state.answered);
  const next = { ...state, silences, resent: state.resent + 1 };
  return { state: next, send: { what: "options" }, waitMs: waitMs(next) };
}

function onError(
  state: TransferState,
  { code, message }: { code: number; message: string },
): TransferOutcome {
  return state.phase === "options" && state.terms.granted.has("tsize")
    ? { type: "probed" }
    : { type: "aborted", why: `the client sent error ${code}${message === "" ? "" : `: ${message}`}` };
}

/** What the client asked for (RFC 2349); else longer each time, as the network may be overloaded. */
const waitMs = ({ terms, silences }: TransferState): number =>
  terms.timeoutSeconds !== undefined
    ? terms.timeoutSeconds * 1000
    : Math.min(firstWaitMs * 2 ** silences, longestWaitMs);
