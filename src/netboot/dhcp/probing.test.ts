import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProbeTarget } from "../../net/address-probe.js";
import { dhcpNetwork } from "./network.js";
import { Probing, type ProbingLimits } from "./probing.js";
import { testNetwork } from "./testing.js";

// When what is asked for, and for how long an answer counts; who answers on a wire is shown in test/e2e/netboot-serve.

const network = dhcpNetwork(testNetwork);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Who has which address on a wire of which nothing is lost. */
class Wire {
  readonly asked: ProbeTarget[] = [];
  readonly used: string[] = [];
  readonly done: string[] = [];
  readonly probing: Probing;
  isThere = true;

  constructor(holders: Record<string, string> = {}, limits: Partial<ProbingLimits> = {}) {
    this.probing = new Probing({
      limits,
      ask: (targets) => {
        if (!this.isThere) return false;
        this.asked.push(...targets);
        for (const { address } of targets) {
          if (holders[address]) setTimeout(() => this.probing.heard(address, holders[address]), 1);
        }
        return true;
      },
      onUsed: (_, address, mac) => this.used.push(`${address} ${mac}`),
    });
  }

  wait(address: string): boolean {
    return this.probing.wait(network, address, performance.now(), () => this.done.push(address));
  }

  isFree = (address: string): boolean => this.probing.isFree(address, performance.now());
}

describe("an address", () => {
  test("that nobody has is asked for twice, and free for a minute after half a second", () => {
    const wire = new Wire();
    expect(wire.wait("10.88.0.50")).toBe(true);
    vi.advanceTimersByTime(449);
    expect(wire.done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([wire.done, wire.used]).toEqual([["10.88.0.50"], []]);
    expect(wire.asked).toEqual(Array(2).fill({ interface: "br0", address: "10.88.0.50" }));
    expect(wire.isFree("10.88.0.50")).toBe(true);
    vi.advanceTimersByTime(59_999);
    expect(wire.isFree("10.88.0.50")).toBe(true);
    vi.advanceTimersByTime(1);
    expect(wire.isFree("10.88.0.50")).toBe(false);
  });

  test("that somebody has is known at once, and those who wait are called after it is told", () => {
    const wire = new Wire({ "10.88.0.50": "52:54:00:00:00:09" });
    wire.wait("10.88.0.50");
    wire.wait("10.88.0.50");
    vi.advanceTimersByTime(1);
    expect(wire.used).toEqual(["10.88.0.50 52:54:00:00:00:09"]);
    expect(wire.done).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(wire.asked).toHaveLength(1);
    expect(wire.isFree("10.88.0.50")).toBe(false);
  });

  test("that was asked for ahead is not asked for again", () => {
    const wire = new Wire();
    wire.probing.ahead(network, ["10.88.0.50", "10.88.0.51"], performance.now());
    wire.wait("10.88.0.51");
    vi.advanceTimersByTime(450);
    wire.probing.ahead(network, ["10.88.0.51", "10.88.0.52"], performance.now());
    expect(new Set(wire.asked.map(({ address }) => address)).size).toBe(3);
    expect(wire.asked).toHaveLength(5);
  });

  test("is asked for anew in time to be known without a gap", () => {
    const wire = new Wire();
    wire.probing.ahead(network, ["10.88.0.50"], performance.now());
    vi.advanceTimersByTime(450 + 45_000);
    wire.probing.ahead(network, ["10.88.0.50"], performance.now());
    expect(wire.asked).toHaveLength(2);
    wire.probing.ahead(network, ["10.88.0.50"], performance.now(), 45_000);
    vi.advanceTimersByTime(15_001);
    expect(wire.asked).toHaveLength(4);
    expect(wire.isFree("10.88.0.50")).toBe(true);
  });

  test("of this host is in use, though nobody answers", () => {
    const wire = new Wire();
    wire.wait("127.0.0.1");
    vi.advanceTimersByTime(0);
    expect(wire.used).toEqual(["127.0.0.1 undefined"]);
  });
});

test("under load nobody waits, and nothing is asked for a while", () => {
  const wire = new Wire({}, { maxWaiting: 2, restMs: 1000 });
  expect(["10.88.0.50", "10.88.0.51", "10.88.0.52"].map((address) => wire.wait(address))).toEqual([
    true,
    true,
    false,
  ]);
  vi.advanceTimersByTime(450);
  expect(wire.done).toHaveLength(2);
  const before = wire.asked.length;
  expect(wire.wait("10.88.0.53")).toBe(false);
  wire.probing.ahead(network, ["10.88.0.54"], performance.now());
  expect(wire.asked).toHaveLength(before);
  vi.advanceTimersByTime(550);
  expect(wire.wait("10.88.0.53")).toBe(true);
});

test("no more are asked for at a time than there is room for; without a way to ask nobody waits", () => {
  const wire = new Wire({}, { maxProbes: 1 });
  wire.probing.ahead(network, ["10.88.0.50", "10.88.0.51"], performance.now());
  expect(wire.asked).toHaveLength(1);
  expect(wire.wait("10.88.0.52")).toBe(false);
  vi.advanceTimersByTime(450);
  wire.isThere = false;
  expect(wire.wait("10.88.0.52")).toBe(false);
});
