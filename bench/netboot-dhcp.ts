import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../src/base/clock.js";
import { run } from "../src/base/run.js";
import { dhcpLab } from "../src/netboot/dhcp/lab.js";
import { LeaseStore } from "../src/netboot/dhcp/lease-store.js";
import { startDhcpServer } from "../src/netboot/dhcp/server.js";
import { median, round } from "./stats.js";

/** Exchanges (DISCOVER, OFFER, REQUEST, ACK) a second, and slipway's divided by dnsmasq's. */
export interface DhcpFigures {
  slipway: number;
  dnsmasq: number;
  ratio: number;
}

const namespace = "slipway-bench-dhcp";
const link = "slipway-bdhcp";
const serverAddress = "10.213.0.1";
const clientAddress = "10.213.255.254";
const range = { first: "10.213.1.0", last: "10.213.250.255" };
const seconds = 6;

/**
 * DHCP exchanges by perfdhcp (Kea), in a network namespace with a veth pair, each from a client that was not seen before,
 * with slipway's leases on disk before each ACK and with dnsmasq's lease file as it is by default, in turn. Slipway asks who
 * has addresses before it offers them, as far as it keeps up; dnsmasq does not (`--no-ping`): it would stop for seconds.
 * Needs root.
 *
 * Each server is offered more than it can do, and the exchanges that were completed are counted.
 *
 * @returns medians; the ratio is the median of the pairs' ratios
 */
export async function benchDhcp({ runs = 3 }: { runs?: number } = {}): Promise<DhcpFigures> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-dhcp-"));
  await removeLink();
  try {
    await makeLink();
    const pairs: { slipway: number; dnsmasq: number }[] = [];
    for (let i = 0; i < runs; i++) {
      const pair = {
        slipway: await slipwayRate(join(directory, `slipway-${i}`)),
        dnsmasq: await dnsmasqRate(join(directory, `dnsmasq-${i}`)),
      };
      console.error(`dhcp: ${JSON.stringify(pair)}`);
      pairs.push(pair);
    }
    return {
      slipway: round(median(pairs.map(({ slipway }) => slipway)), 0),
      dnsmasq: round(median(pairs.map(({ dnsmasq }) => dnsmasq)), 0),
      ratio: round(median(pairs.map(({ slipway, dnsmasq }) => slipway / dnsmasq))),
    };
  } finally {
    await removeLink();
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeLink(): Promise<void> {
  for (const command of [
    `netns add ${namespace}`,
    `link add ${link} type veth peer name eth0 netns ${namespace}`,
    `address add ${serverAddress}/16 dev ${link}`,
    `link set ${link} up`,
    `-n ${namespace} address add ${clientAddress}/16 dev eth0`,
    `-n ${namespace} link set eth0 up`,
  ]) {
    await run("ip", command.split(" "));
  }
}

async function removeLink(): Promise<void> {
  await run("ip", ["link", "delete", link], { allowFailure: true });
  await run("ip", ["netns", "delete", namespace], { allowFailure: true });
}

/** The server runs in this process, which does nothing else meanwhile. */
async function slipwayRate(path: string): Promise<number> {
  const none = new Map<string, never>();
  const lab = dhcpLab({
    networks: [
      {
        interface: link,
        address: serverAddress,
        subnet: "10.213.0.0/16",
        mode: "dhcp",
        range,
        dns: [],
        ntp: [],
        leaseSeconds: 3600,
        options: [],
      },
    ],
    machines: { byName: none, byMac: none, byAddress: none },
    boot: () => ({ tftp: serverAddress, http: `http://${serverAddress}`, files: new Set() }),
  });
  await using leases = await LeaseStore.open(path);
  await using server = await startDhcpServer({
    lab: () => lab,
    leases,
    observe: () => {},
    clock: systemClock,
    probe: true,
  });
  const rate = await bestRate();
  console.error(`dhcp: slipway ${JSON.stringify(server.counters())}`);
  return rate;
}

async function dnsmasqRate(path: string): Promise<number> {
  const dnsmasq = spawn(
    "dnsmasq",
    [
      ...[
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--user=root",
        "--log-facility=/dev/null",
      ],
      ...["--quiet-dhcp", "--bind-interfaces", `--interface=${link}`, "--no-ping"],
      ...[`--dhcp-range=${range.first},${range.last},255.255.0.0,1h`, "--dhcp-authoritative"],
      ...["--dhcp-lease-max=100000", `--dhcp-leasefile=${path}`],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  try {
    await delay(500);
    return await bestRate();
  } finally {
    await stop(dnsmasq);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill();
  await closed;
}

/** Under the load of one exchange after the other, several at a time: the best of what is offered. */
async function bestRate(): Promise<number> {
  let best = 0;
  let offered = 500;
  // As in a load test by hand: more is offered until less is completed.
  for (;;) {
    const completed = await completedRate(offered);
    best = Math.max(best, completed);
    if (completed < 0.9 * offered) return best;
    offered *= 2;
  }
}

let base = 0;

async function completedRate(offered: number): Promise<number> {
  base += 1;
  const { stdout } = await run(
    "ip",
    [
      ...["netns", "exec", namespace, "perfdhcp", "-4", "-l", "eth0", "-r", String(offered)],
      ...["-R", "1000000", "-p", String(seconds), "-W", "1"],
      ...["-b", `mac=02:${base.toString(16).padStart(2, "0")}:00:00:00:00`, serverAddress],
    ],
    { allowFailure: true, timeoutMs: 60_000 },
  );
  const rate = /Rate: ([\d.]+) 4-way exchanges\/second/.exec(stdout)?.[1];
  if (rate === undefined) throw new Error(`perfdhcp: ${stdout}`);
  return Number(rate);
}
