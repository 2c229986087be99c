import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { decode, encode } from "dns-packet";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { run, start } from "../../../src/base/run.js";
import type { DnsHost, DnsNames } from "../../../src/netboot/dns/names.js";
import { type DnsServer, startDnsServer } from "../../../src/netboot/dns/server.js";
import type { Observation } from "../../../src/netboot/observation.js";
import { Neighbour } from "../netboot-tftp/neighbour.js";

// dig in a network namespace asks the server on its own port 53. What it forwards goes to a real dnsmasq, which is also what
// the answers are compared with.

const upstreamAddress = "127.0.53.9";
const peerAddress = "127.0.53.10";
const deadAddress = "127.0.53.11";
const lyingAddress = "127.0.53.12";

const hosts: DnsHost[] = [{ name: "node1", address: "10.88.0.50", domain: "lab.example" }];
const names: DnsNames = {
  records: [
    { name: "cluster.example", addresses: ["10.88.0.2"] },
    { name: "node1.cluster.example", addresses: ["10.88.0.21"] },
    { name: "many.example", addresses: Array.from({ length: 100 }, (_, i) => `10.1.0.${i}`) },
  ],
  domains: ["lab.example"],
  hostsNamed: (name) => hosts.filter((host) => host.name === name),
  hostAt: (address) => hosts.find((host) => host.address === address),
};
/** The same for dnsmasq. */
const asDnsmasq = [
  "--address=/cluster.example/10.88.0.2",
  "--address=/node1.cluster.example/10.88.0.21",
  "--host-record=node1,node1.lab.example,10.88.0.50,0",
  "--local=/lab.example/",
];

let neighbour: Neighbour;
const stopping: (() => Promise<unknown> | unknown)[] = [];
let seen: Observation[] = [];
let server: DnsServer;

beforeAll(async () => {
  neighbour = await Neighbour.create("dns", 53);
  stopping.push(() => neighbour[Symbol.asyncDispose]());
  await dnsmasq(upstreamAddress, [
    "--host-record=outside.example,192.0.2.7",
    `--txt-record=long.example,${Array.from({ length: 12 }, (_, i) => String(i).repeat(120)).join(",")}`,
  ]);
  await dnsmasq(peerAddress, asDnsmasq);
  server = await serve([deadAddress, upstreamAddress]);
});
beforeEach(() => {
  seen = [];
});
afterAll(async () => {
  for (const stop of stopping.reverse()) await stop();
});

async function dnsmasq(address: string, args: string[]): Promise<void> {
  const fixed = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"];
  const process = start("dnsmasq", [...fixed, "--bind-interfaces", `--listen-address=${address}`, ...args]);
  stopping.push(async () => {
    process.kill();
    await process;
  });
  await run("dig", [`@${address}`, "+tries=20", "+time=1", "localhost"], { allowFailure: true });
}

async function serve(forward: string[], port = 53): Promise<DnsServer> {
  const started = await startDnsServer({
    address: neighbour.address,
    port,
    names: () => names,
    forward,
    observe: (observation) => seen.push(observation),
    clock: systemClock,
  });
  stopping.push(() => started.close());
  return started;
}

/** Status, flags and answers, as dig sees them. */
async function dig(args: string[], at: string | undefined = undefined): Promise<string> {
  const asked = [
    `@${at ?? neighbour.address}`,
    "+tries=1",
    "+time=8",
    "+noall",
    "+comments",
    "+answer",
    ...args,
  ];
  const { stdout } = at ? await run("dig", asked) : await neighbour.run("dig", asked);
  const status = /status: (\w+)/.exec(stdout)?.[1];
  const answers = stdout
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(";"))
    .map((line) => line.split(/\s+/).slice(3).join(" "));
  return [status, ...answers.sort()].join("; ");
}

test.each([
  [["cluster.example"], "NOERROR; A 10.88.0.2"],
  [["a.b.cluster.example"], "NOERROR; A 10.88.0.2"],
  [["api.node1.cluster.example"], "NOERROR; A 10.88.0.21"],
  [["cluster.example", "AAAA"], "NOERROR"],
  [["cluster.example", "MX"], "NOERROR"],
  [["node1"], "NOERROR; A 10.88.0.50"],
  [["NODE1.lab.example"], "NOERROR; A 10.88.0.50"],
  [["node1.lab.example", "AAAA"], "NOERROR"],
  [["-x", "10.88.0.50"], "NOERROR; PTR node1.lab.example."],
  [["nobody.lab.example"], "NXDOMAIN"],
  [["cluster.example", "+tcp"], "NOERROR; A 10.88.0.2"],
  [["cluster.example", "+noedns"], "NOERROR; A 10.88.0.2"],
  [["cluster.example", "+bufsize=512", "+dnssec", "+cookie"], "NOERROR; A 10.88.0.2"],
] as const)("dig %j", async (args, expected) => {
  expect(await dig([...args])).toBe(expected);
});

// But for one: of a known name outside its own domains dnsmasq knows the address only, and asks others for anything else,
// which know the name better, or not at all; here the name is known as a whole.
test("where nobody else is asked, the answers are dnsmasq's", async () => {
  await serve([], 5353);
  const known = ["cluster.example", "x.cluster.example", "node1.cluster.example", "node1"];
  const others = [
    "node1.lab.example",
    "nobody.lab.example",
    "elsewhere.example",
    "notcluster.example",
    "example",
  ];
  const asked = [
    ...known.map((name) => [name, "A"] as const),
    ...others.flatMap((name) => ["A", "AAAA", "TXT", "MX"].map((type) => [name, type] as const)),
  ];
  for (const [name, type] of asked) {
    const ours = await dig(["-p", "5353", name, type]);
    expect(`${name} ${type}: ${ours}`).toBe(`${name} ${type}: ${await dig([name, type], peerAddress)}`);
  }
});

test("other names are asked of the next server when the first is silent, and told of", async () => {
  expect(await dig(["outside.example"])).toBe("NOERROR; A 192.0.2.7");
  expect(await dig(["outside.example", "+tcp"])).toBe("NOERROR; A 192.0.2.7");
  expect(await dig(["unknown.example"])).toBe("REFUSED"); // what that server says
  expect(seen).toMatchObject([
    { stage: "dns", what: "A outside.example", outcome: "ok", address: neighbour.neighbourAddress },
    { details: { transport: "tcp", forwarded: `${upstreamAddress}:53` } },
    { what: "A unknown.example", outcome: "refused" },
  ]);
});

test("long answers come by TCP, ours and others'", async () => {
  for (const [args, count] of [
    [["many.example"], 100],
    [["long.example", "TXT", "+bufsize=600"], 1],
  ] as const) {
    const over = async (...more: string[]) => (await dig([...args, ...more])).split("; ");
    expect(await over("+ignore")).toEqual(["NOERROR"]); // cut short, and dig stays with UDP
    expect(await over()).toHaveLength(1 + count); // dig comes back by TCP
  }
});

test("an answer that is not to our question is not believed", async () => {
  const liar = createSocket("udp4");
  stopping.push(() => liar.close());
  liar.bind(53, lyingAddress);
  await once(liar, "listening");
  liar.on("message", (bytes, { port, address }) => {
    const query = decode(bytes);
    const lie = (id: number, name: string, from = liar) =>
      from.send(
        encode({
          type: "response",
          id,
          questions: [{ name, type: "A" }],
          answers: [{ type: "A", name, data: "203.0.113.66" }],
        }),
        port,
        address,
      );
    lie((query.id! + 1) & 0xffff, "victim.example");
    lie(query.id!, "other.example");
    const stranger = createSocket("udp4");
    lie(query.id!, "victim.example", stranger);
    stopping.push(() => stranger.close());
  });
  await serve([lyingAddress], 5354);
  expect(await dig(["-p", "5354", "victim.example"])).toBe("SERVFAIL");
  expect(seen.at(-1)).toMatchObject({ outcome: "failed", details: { because: "no server answered" } });
});

test("garbage and idle connections harm nobody", async () => {
  const noise = createSocket("udp4");
  const idle = Array.from({ length: 40 }, () => connect({ host: neighbour.address, port: 53 }));
  for (const socket of idle) socket.on("error", () => {});
  for (let i = 0; i < 2000; i++) {
    noise.send(
      Buffer.from(Array.from({ length: i % 60 }, (_, j) => (i * 7 + j * 13) & 0xff)),
      53,
      neighbour.address,
    );
    if (i % 50 === 0) await systemClock.sleep(1);
  }
  expect(await dig(["cluster.example"])).toBe("NOERROR; A 10.88.0.2");
  expect(await dig(["cluster.example", "+tcp"])).toBe("NOERROR; A 10.88.0.2");
  expect(server.counters().faults).toBe(0);
  for (const socket of idle) socket.destroy();
  noise.close();
});

test("it does not ask itself", async () => {
  await expect(serve([neighbour.address])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
