import { join } from "node:path";
import { expect, test } from "vitest";
import { bundle } from "../bundle.js";
import type { Sent } from "./flood.js";
import { GoodClient } from "./good-client.js";
import { ServedLab } from "./served-lab.js";

// A million packets, made up and broken, to a server as it is installed; real clients of each protocol are served meanwhile.

/** SLIPWAY_FLOOD_SEED repeats a run that failed. */
const seed = Number(process.env.SLIPWAY_FLOOD_SEED ?? Date.now() % 2 ** 31);

/** How many packets each protocol gets, and from which address. HTTP's are requests, of which a connection has several. */
const shares = {
  dhcp: { count: 250_000, from: "10.88.0.211" },
  tftp: { count: 330_000, from: "10.88.0.212" },
  dns: { count: 400_000, from: "10.88.0.213" },
  http: { count: 50_000, from: "10.88.0.214" },
} as const;
type Protocol = keyof typeof shares;
const protocols = Object.keys(shares) as Protocol[];
const good = "10.88.0.201";

/** Some 60 s on two processors that have nothing else to do. */
const timeoutMs = 500_000;

const total = protocols.reduce((sum, protocol) => sum + shares[protocol].count, 0);

/**
 * What may come on top of what an idle server has: 64 MiB of rendered documents, 40,000 observations of about 1 KiB, 4096
 * strangers, and what V8 has not given back.
 */
const maxGrowthBytes = 256 << 20;

test(
  "a million packets that nobody should send: it goes on, in bounded memory, and serves who is good",
  async () => {
    say(`seed ${seed}: SLIPWAY_FLOOD_SEED=${seed} sends the same again`);
    expect(total).toBeGreaterThan(1_000_000);
    await using lab = await ServedLab.create([good, ...protocols.map((protocol) => shares[protocol].from)]);
    const program = await bundle(join(import.meta.dirname, "flood.ts"), lab.directory);
    const client = new GoodClient(lab, good);
    for (const protocol of protocols) {
      // Broadcasts need a way, too.
      await lab.ip(shares[protocol].from, "route", "add", "default", "dev", "eth0");
    }
    await client.boot();
    const before = await lab.process();
    const metricsBefore = await lab.metrics(good);

    const began = performance.now();
    let going = protocols.length;
    const flood = async (protocol: Protocol, i: number): Promise<[Protocol, Sent]> => {
      const { count, from } = shares[protocol];
      const args = [program, protocol, String(count), String(seed + i), from];
      const { stdout } = await lab.on(from, process.execPath, args, { timeoutMs });
      going--;
      say(`${protocol}: ${stdout.trim()} in ${secondsSince(began)} s`);
      return [protocol, JSON.parse(stdout) as Sent];
    };
    const floods = Promise.all(protocols.map(flood));
    const bootMeanwhile = async () => {
      while (going > 0) await client.boot();
    };
    const [sent] = await Promise.all([floods.then((all) => new Map(all)), bootMeanwhile()]);
    say(
      `${total} in ${secondsSince(began)} s; ${client.rounds} good boots, ${JSON.stringify(client.slowest)}`,
    );
    await client.boot();
    expect(client.rounds).toBeGreaterThan(5);

    // What was sent has arrived: this was no measurement of what a kernel drops.
    const { arrived, metrics } = await arrivals(lab, metricsBefore);
    for (const [protocol, { packets, counted, unanswered }] of sent) {
      say(`${protocol}: ${arrived[protocol]} of ${packets} arrived, at least ${counted} had to`);
      expect(arrived[protocol]).toBeGreaterThan(0.97 * counted);
      expect(unanswered).toBeLessThan(50);
    }
    expect(faultsIn(metrics)).toEqual([]);

    // Transfers to whoever went away are given up after 30 s, connections earlier.
    await expect
      .poll(async () => (await lab.metrics(good)).get("slipway_tftp_sessions"), {
        timeout: 60_000,
        interval: 1000,
      })
      .toBe(0);
    const after = await lab.process();
    say(
      `memory ${before.rss >> 20} → ${after.rss >> 20} MiB, descriptors ${before.descriptors} → ${after.descriptors}, ${after.cpuSeconds - before.cpuSeconds} s of processor`,
    );
    expect(after.alive).toBe(true);
    expect(after.rss - before.rss).toBeLessThan(maxGrowthBytes);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
  },
  timeoutMs + 100_000,
);

const say = (line: string) => process.stdout.write(`${line}\n`);
const secondsSince = (began: number): number => Math.round((performance.now() - began) / 100) / 10;

/** How many packets of each protocol the server counted since `before`. */
async function arrivals(lab: ServedLab, before: ReadonlyMap<string, number>) {
  const metrics = await lab.metrics(good);
  const sum = (pattern: RegExp) =>
    [...metrics]
      .filter(([name]) => pattern.test(name))
      .reduce((count, [name, value]) => count + value - (before.get(name) ?? 0), 0);
  const arrived: Record<Protocol, number> = {
    dhcp: sum(/^slipway_dhcp_packets_total\{kind="received"\}/),
    tftp: sum(/^slipway_tftp_packets_total\{kind="(requests|stray)"\}/),
    dns: sum(/^slipway_dns_packets_total\{kind="(queries|dropped)"\}/),
    http: sum(/^slipway_http_(bad_)?requests_total/),
  };
  return { arrived, metrics };
}

/** Errors of our own that a packet led to. */
const faultsIn = (metrics: ReadonlyMap<string, number>): string[] =>
  [...metrics]
    .filter(([name, value]) => value > 0 && /kind="faults"|status="500"/.test(name))
    .map(([name, value]) => `${name} ${value}`);
