import fc from "fast-check";
import { expect, test } from "vitest";
import { negotiate } from "./negotiate.js";
import { type Network, transferOver } from "./test-network.js";
import { beginTransfer, stepTransfer, type TransferStep } from "./transfer.js";

const terms = (asked: Record<string, string> = {}, size = 1000) =>
  negotiate(new Map(Object.entries(asked)), size, { maxBlockSize: 1468, maxWindowSize: 64 });
const begin = (size: number, asked: Record<string, string> = {}) => beginTransfer(terms(asked, size), size);
const ack = ({ state }: TransferStep, block: number) => stepTransfer(state, { type: "ack", block });
const timeout = ({ state }: TransferStep) => stepTransfer(state, { type: "timeout" });

const calm: Network = { seed: 1, loss: 0, duplication: 0, maxDelayMs: 1 };

test("every file arrives whole, whatever a network does to its packets", () => {
  fc.assert(
    fc.property(
      fc.record({
        size: fc.oneof(fc.nat({ max: 2000 }), fc.constantFrom(0, 8, 64, 512, 1024)),
        blockSize: fc.constantFrom(undefined, 8, 16, 100, 512),
        windowSize: fc.constantFrom(undefined, 1, 2, 4, 16),
        network: fc.record({
          seed: fc.integer({ min: 1 }),
          loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
          duplication: fc.double({ min: 0, max: 0.3, noNaN: true }),
          maxDelayMs: fc.constantFrom(1, 50, 900),
        }),
      }),
      ({ size, blockSize, windowSize, network }) => {
        const file = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
        const { received } = transferOver(file, { blockSize, windowSize }, network);
        expect(received?.equals(file)).toBe(true);
      },
    ),
    { numRuns: 400 },
  );
});

test.each([0, 1, 511, 512, 513, 1024])("a file of %i bytes ends with a short or empty block", (size) => {
  const file = Buffer.alloc(size, 7);
  const { received, sent, outcome } = transferOver(file, {}, calm);
  expect(received).toEqual(file);
  expect(sent).toBe(Math.floor(size / 512) + 1);
  expect(outcome).toEqual({ type: "done" });
});

test("the block number goes on from 65535 to 0", () => {
  const file = Buffer.from(Array.from({ length: 8 * 65540 + 3 }, (_, i) => (i / 8) & 0xff));
  for (const windowSize of [1, 16]) {
    const { received, outcome } = transferOver(file, { blockSize: 8, windowSize }, calm);
    expect(received?.equals(file)).toBe(true);
    expect(outcome).toEqual({ type: "done" });
  }
});

test("duplicates of every packet do not double what is sent (no Sorcerer's Apprentice)", () => {
  const file = Buffer.alloc(20 * 512);
  const all = { ...calm, duplication: 1 };
  // One more than there are: to a request that comes twice, the first block is sent twice.
  expect(transferOver(file, {}, all)).toMatchObject({ sent: 22, outcome: { type: "done" } });
  // This client acknowledges duplicates inside a window too, which says that the rest of the window was lost.
  const windows = transferOver(file, { windowSize: 4 }, all);
  expect(windows.outcome).toEqual({ type: "done" });
  expect(windows.sent).toBeLessThanOrEqual(4 * 21);
});

test("options first, data after their acknowledgement; without options data at once", () => {
  expect(begin(1000).send).toEqual({ what: "data", first: 1, count: 1 });
  const withOptions = begin(1000, { tsize: "0" });
  expect(withOptions.send).toEqual({ what: "options" });
  expect(ack(withOptions, 1).send).toBeUndefined();
  expect(ack(withOptions, 0).send).toEqual({ what: "data", first: 1, count: 1 });
});

test("a window is sent again from where the client says it stopped", () => {
  const first = ack(begin(10_000, { windowsize: "8" }), 0);
  expect(first.send).toEqual({ what: "data", first: 1, count: 8 });
  const next = ack(first, 3);
  expect(next.send).toEqual({ what: "data", first: 4, count: 8 });
  expect(next.state.resent).toBe(5);
  expect(ack(next, 20).send).toBeUndefined();
  expect(timeout(next).send).toEqual({ what: "data", first: 4, count: 8 });
});

test("a client that never answers is sent three packets more, then no more", () => {
  for (const asked of [{}, { blksize: "1024" }]) {
    let step = begin(100_000, asked);
    const waits = [step.waitMs];
    for (let i = 0; i < 3; i++) {
      step = timeout(step);
      expect(step.send).toBeDefined();
      waits.push(step.waitMs);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    expect(timeout(step)).toMatchObject({
      outcome: { type: "lost", why: "the client never answered" },
    });
    expect(timeout(step).send).toBeUndefined();
  }
});

test("a client that fell silent is given up, with the place", () => {
  let step = ack(begin(10_000), 1);
  for (let i = 0; i < 6; i++) step = timeout(step);
  expect(timeout(step).outcome).toEqual({ type: "lost", why: "silent since block 1 of 20" });
});

test("the client's own time-out is kept to", () => {
  const step = begin(1000, { timeout: "7" });
  expect([step.waitMs, timeout(step).waitMs]).toEqual([7000, 7000]);
});

test("UEFI asks for the size and ends it with error 8: nothing failed", () => {
  const error = (step: TransferStep) =>
    stepTransfer(step.state, { type: "error", code: 8, message: "User aborted the transfer" }).outcome;
  const asked = begin(1000, { tsize: "0", blksize: "1468" });
  expect(error(asked)).toEqual({ type: "probed" });
  expect(error(ack(asked, 0))).toEqual({
    type: "aborted",
    why: "the client sent error 8: User aborted the transfer",
  });
});
