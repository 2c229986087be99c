import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type RunResult, run, start } from "../../../src/base/run.js";
import { readLeases } from "../../../src/netboot/dhcp/lease-log.js";
import type { LabNetwork } from "../../../src/netboot/inventory/types.js";
import type { Observation } from "../../../src/netboot/observation.js";
import { bundle } from "../bundle.js";
import type { ServerConfig } from "./server.js";
import { macs, makeWires, on, removeWires } from "./wires.js";

// Real DHCP clients (busybox's udhcpc, ISC's dhclient), a real relay and a real second server (dnsmasq), each a machine of its
// own (a network namespace), against the server on ports 67 and 4011.

const network = (address: string, more: Partial<LabNetwork> = {}): LabNetwork => ({
  address,
  subnet: `${address.slice(0, -1)}0/24`,
  mode: "dhcp",
  range: { first: `${address.slice(0, -1)}50`, last: `${address.slice(0, -1)}99` },
  router: address,
  dns: [address],
  ntp: [],
  domain: "lab.test",
  leaseSeconds: 600,
  options: [],
  ...more,
});
const networks = [
  network("10.88.0.1", { interface: "br0" }),
  network("10.89.0.1", {
    interface: "eth1",
    subnet: "10.89.0.0/16",
    range: { first: "10.89.1.0", last: "10.89.200.255" },
  }),
  network("10.90.0.1", { interface: "eth2" }),
  // Behind the relay.
  network("10.90.0.1", { subnet: "10.91.0.0/24", range: { first: "10.91.0.50", last: "10.91.0.99" } }),
];
const machines = [
  { name: "node1", mac: macs.t, address: "10.88.0.200", labels: {}, quirks: [], place: { file: "lab.yaml" } },
];

let directory: string;
let config: ServerConfig;

/** What udhcpc and dhclient run at each event: it takes the address, and nothing else of the host. */
const script = `#!/bin/sh
if [ -n "$1" ]; then reason=$1 address=$ip; else address=$new_ip_address; fi
case $reason in
  deconfig | PREINIT) ip address flush dev "$interface" ;;
  bound | renew | BOUND | RENEW | REBIND | REBOOT)
    ip address replace "$address/\${mask:-24}" dev "$interface"
    echo "$reason $address by \${serverid:-$new_dhcp_server_identifier} for \${lease:-$new_dhcp_lease_time} s, \${hostname:-$new_host_name} \${domain:-$new_domain_name}"
    ;;
esac
`;
const scriptFile = () => join(directory, "script.sh");

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-dhcp-"));
  await writeFile(scriptFile(), script);
  await chmod(scriptFile(), 0o755);
  for (const name of ["server", "load"]) {
    await bundle(join(import.meta.dirname, `${name}.ts`), directory);
  }
  config = { leases: join(directory, "leases"), networks, machines };
  await makeWires();
});
afterAll(async () => {
  await removeWires();
  await rm(directory, { recursive: true, force: true });
});

/** A program on a machine, that goes on until it is ended. */
class Program {
  readonly lines: string[] = [];
  readonly #process: ReturnType<typeof start>;

  constructor(machine: string, file: string, args: readonly string[]) {
    this.#process = start(...on(machine, file, args));
    let rest = "";
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        this.lines.push(...lines);
      });
    }
    running.push(this);
  }

  /** Waits for a line. */
  said(what: RegExp, since = 0): Promise<string> {
    return vi.waitFor(
      () => {
        const line = this.lines.slice(since).find((candidate) => what.test(candidate));
        if (line === undefined) throw new Error(`${what} was not said:\n${this.lines.slice(-20).join("\n")}`);
        return line;
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async end(name: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#process.kill(name);
    await this.#process;
  }
}
const running: Program[] = [];
afterEach(async () => {
  for (const program of running.splice(0).reverse()) await program.end("SIGKILL");
});

async function startServer(more: Partial<ServerConfig> = {}): Promise<Program> {
  const all = JSON.stringify({ ...config, ...more });
  const server = new Program("s", process.execPath, [join(directory, "server.mjs"), all]);
  await server.said(/^ready$/);
  return server;
}

const observations = (server: Program): Observation[] =>
  server.lines.filter((line) => line.startsWith('{"time"')).map((line) => JSON.parse(line) as Observation);

interface State {
  counters: Record<string, number>;
}
async function stateOf(server: Program): Promise<State> {
  const since = server.lines.length;
  server.signal("SIGUSR2");
  return JSON.parse(await server.said(/^\{"counters"/, since)) as State;
}

const udhcpcArgs = (...args: string[]) => [
  "-f",
  "-i",
  "eth0",
  "-s",
  scriptFile(),
  "-t",
  "5",
  "-T",
  "1",
  ...args,
];
/** Gets a lease and ends, leaving it as it is. */
const udhcpc = (machine: string, ...args: string[]): Promise<RunResult> =>
  run(...on(machine, "udhcpc", udhcpcArgs("-q", "-n", ...args)), { timeoutMs: 30_000, allowFailure: true });

const leased = async (address: string) => (await readLeases(config.leases)).leases.get(address);

describe("real clients", () => {
  test("udhcpc gets a lease, renews it and releases it", async () => {
    const server = await startServer();
    const client = new Program("a", "udhcpc", udhcpcArgs("-R", "-x", "hostname:alpha"));
    expect(await client.said(/^bound/)).toMatch(
      /^bound 10\.88\.0\.50 by 10\.88\.0\.1 for 600 s, .*lab\.test$/,
    );
    const first = (await leased("10.88.0.50"))!;
    expect(first).toMatchObject({ mac: macs.a, hostName: "alpha", state: "bound" });
    client.signal("SIGUSR1");
    await client.said(/^renew 10\.88\.0\.50/);
    expect((await leased("10.88.0.50"))!.expires).toBeGreaterThan(first.expires);
    await client.end();
    await vi.waitFor(async () => expect((await leased("10.88.0.50"))!.expires).toBeLessThan(Date.now() + 1));
    expect(observations(server).map(({ what }) => what)).toEqual(
      expect.arrayContaining(["DISCOVER → OFFER", "REQUEST → ACK"]),
    );
  });

  test("each interface's clients get addresses of its network", async () => {
    await startServer();
    const [a, b] = await Promise.all([udhcpc("a"), udhcpc("b")]);
    expect(a.stdout).toMatch(/bound 10\.88\.0\.\d+ by 10\.88\.0\.1/);
    expect(b.stdout).toMatch(/bound 10\.89\.1\.\d+ by 10\.89\.0\.1/);
  });

  test("a described machine gets its address and its name", async () => {
    await startServer();
    expect((await udhcpc("t", "-O", "hostname")).stdout).toContain(
      "bound 10.88.0.200 by 10.88.0.1 for 600 s, node1 ",
    );
  });

  test("an address that somebody uses is declined, and not offered again", async () => {
    await startServer();
    await run("ip", ["-n", "slipway-dhcp-t", "address", "add", "10.88.0.70/24", "dev", "eth0"]);
    const { stdout } = await udhcpc("a", "-a500", "-A", "1", "-r", "10.88.0.70", "-x", "0x3d:ff01020304");
    expect(stdout).toMatch(/bound 10\.88\.0\.(?!70)\d+ /);
    expect(await leased("10.88.0.70")).toMatchObject({ state: "declined" });
    const again = await udhcpc("a", "-r", "10.88.0.70", "-x", "0x3d:ff01020305");
    expect(again.stdout).toMatch(/bound 10\.88\.0\.(?!70)\d+ /);
    await run("ip", ["-n", "slipway-dhcp-t", "address", "flush", "dev", "eth0"]);
  });

  test("dhclient gets a lease, comes back to it, and is refused one of another network", async () => {
    await startServer();
    const lines = async (lf: string) => {
      const args = [
        "-4",
        "-d",
        "-v",
        "-1",
        "-sf",
        scriptFile(),
        "-lf",
        lf,
        "-pf",
        join(directory, "dhclient.pid"),
      ];
      const client = new Program("a", "dhclient", [...args, "eth0"]);
      await client.said(/^bound to /);
      await client.end();
      return client.lines.join("\n");
    };
    const leaseFile = join(directory, "dhclient.leases");
    await writeFile(leaseFile, "");
    const first = await lines(leaseFile);
    const address = /^BOUND (\S+)/m.exec(first)![1]!;
    expect(first).toContain(`DHCPACK of ${address} from 10.88.0.1`);
    const second = await lines(leaseFile);
    expect(second).toMatch(new RegExp(`^DHCPREQUEST for ${address} on eth0`, "m"));
    expect(second).not.toContain("DHCPDISCOVER");
    expect(second).toContain(`REBOOT ${address}`);
    await writeFile(leaseFile, (await readFile(leaseFile, "utf8")).replaceAll("10.88.0.", "10.99.0."));
    const third = await lines(leaseFile);
    expect(third).toContain("DHCPNAK from 10.88.0.1");
    expect(third).toContain(`DHCPACK of ${address} from 10.88.0.1`);
  });

  test("a client behind a relay gets an address of the relay's network", async () => {
    await startServer();
    const relay = new Program("r", "dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root", "--log-dhcp"],
      "--dhcp-relay=10.91.0.2,10.90.0.1",
    ]);
    await relay.said(/DHCP relay from 10\.91\.0\.2 to 10\.90\.0\.1/);
    expect((await udhcpc("c")).stdout).toMatch(/bound 10\.91\.0\.5\d by 10\.90\.0\.1/);
  });

  test("an address behind a relay is pinged before it is offered", async () => {
    const server = await startServer({ probe: true, leases: join(directory, "probed-leases") });
    const relay = new Program("r", "dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root", "--log-dhcp"],
      "--dhcp-relay=10.91.0.2,10.90.0.1",
    ]);
    await relay.said(/DHCP relay from 10\.91\.0\.2 to 10\.90\.0\.1/);
    await run("ip", ["-n", "slipway-dhcp-r", "address", "add", "10.91.0.50/24", "dev", "eth1"]);
    expect((await udhcpc("c")).stdout).toMatch(/bound 10\.91\.0\.51 by 10\.90\.0\.1/);
    const found = observations(server).filter(({ what }) => what === "10.91.0.50 is in use");
    expect(found).toMatchObject([{ mac: macs.c, outcome: "failed" }]);
    const { delayed, unprobed } = (await stateOf(server)).counters;
    expect(delayed).toBeGreaterThan(0);
    expect(unprobed).toBe(0);
    await run("ip", ["-n", "slipway-dhcp-r", "address", "delete", "10.91.0.50/24", "dev", "eth1"]);
  });

  test("a second server on the wire is told of, once", async () => {
    const server = await startServer();
    await run("ip", ["-n", "slipway-dhcp-t", "address", "replace", "10.88.0.2/24", "dev", "eth0"]);
    const other = new Program("t", "dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root", "--no-ping", "--log-dhcp"],
      ...["--dhcp-range=10.88.0.150,10.88.0.160", `--dhcp-leasefile=${join(directory, "dnsmasq.leases")}`],
    ]);
    await other.said(/DHCP, IP range/);
    // -B: both answer by broadcast, as they do to firmware.
    for (let i = 0; i < 3; i++) await udhcpc("a", "-B");
    await vi.waitFor(() => {
      const told = observations(server).filter(({ what }) => what === "another DHCP server answers");
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({
        outcome: "failed",
        details: { server: "10.88.0.2", interface: "br0" },
      });
    });
    await run("ip", ["-n", "slipway-dhcp-t", "address", "flush", "dev", "eth0"]);
  });
});

describe("under load", () => {
  test("killed again and again: no acknowledged lease is lost, no address given twice", async () => {
    await run("ip", ["-n", "slipway-dhcp-b", "address", "replace", "10.89.255.250/16", "dev", "eth0"]);
    const load = new Program("b", process.execPath, [
      join(directory, "load.mjs"),
      ...["10.89.255.250", "10.89.0.1", "1"],
    ]);
    const acknowledged = () => load.lines.filter((line) => line.startsWith("02:"));
    for (let round = 0; round < 6; round++) {
      const before = acknowledged().length;
      const server = await startServer();
      await vi.waitFor(() => expect(acknowledged().length).toBeGreaterThan(before + 150), {
        timeout: 20_000,
        interval: 5,
      });
      await server.end("SIGKILL");
      const { leases, damaged } = await readLeases(config.leases);
      expect(damaged).toBe(0);
      for (const line of acknowledged()) {
        const [mac, address = ""] = line.split(" ");
        expect(leases.get(address)).toMatchObject({ mac, state: "bound" });
      }
    }
    await load.end();
    const addresses = acknowledged().map((line) => line.split(" ")[1]);
    expect(addresses.length).toBeGreaterThan(900);
    expect(new Set(addresses).size).toBe(addresses.length);
    await run("ip", ["-n", "slipway-dhcp-b", "address", "flush", "dev", "eth0"]);
  });
});
