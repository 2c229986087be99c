import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import type { PublishedPort } from "../../../src/machines/driver.js";
import { bridgeName } from "../../../src/machines/sandbox/names.js";
import { answering } from "./answering.js";
import { remains } from "./remains.js";
import { sandboxSubject } from "./subject.js";

type Subject = Awaited<ReturnType<typeof sandboxSubject>>;

const ports: PublishedPort[] = [
  { hostAddress: "127.0.0.1", hostPort: 28_080, nodePort: 80, protocol: "tcp" },
  { hostAddress: "127.0.0.1", hostPort: 28_080, nodePort: 80, protocol: "udp" },
  { hostAddress: "0.0.0.0", hostPort: 28_081, nodePort: 80, protocol: "tcp" },
];

/** A neighbour of the host in a network namespace (RFC 5737 addresses): it knows the way to the nodes, if they let it. */
const outside = "slipway-outside";
const hostAddress = "198.51.100.1";
const outsideAddress = "198.51.100.2";

describe("the network of sandbox machines", () => {
  const clusters: Subject[] = [];
  let outsideServer: AbortController;

  beforeAll(async () => {
    // Somebody's firewall that forwards nothing it does not know, as Docker's: ours only, others' tests go on.
    const [a, b] = [bridgeName("net-a"), bridgeName("net-b")];
    await run("nft", ["-f", "-"], {
      input: `table ip slipway-test { chain forward { type filter hook forward priority 10; policy drop;
        iifname != { "${a}", "${b}" } oifname != { "${a}", "${b}" } accept; }; }`,
    });
    await run("ip", ["-batch", "-"], {
      input: `netns add ${outside}
link add slipway-out type veth peer name eth0 netns ${outside}
address add ${hostAddress}/24 dev slipway-out
link set slipway-out up
`,
    });
    for (const command of [
      `address add ${outsideAddress}/24 dev eth0`,
      "link set eth0 up",
      `route add 10.79.0.0/16 via ${hostAddress}`,
    ]) {
      await run("ip", ["-n", outside, ...command.split(" ")]);
    }
    clusters.push(await sandboxSubject("net-a", 201), await sandboxSubject("net-b", 202));
    for (const { driver, network, spec } of clusters) {
      await driver.ensureNetwork(network);
      const who = (name: string) => `${network.cluster}/${name}`;
      await driver.create(
        spec("one", {
          config: answering(who("one"), "10.244.1.5"),
          ports: network.cluster === "net-a" ? ports : [],
        }),
      );
      await driver.create(spec("two", { config: answering(who("two"), "10.244.2.5") }));
      await Promise.all(["one", "two"].map((name) => driver.start(network.cluster, name)));
      for (const name of ["one", "two"]) {
        await driver.exec(
          network.cluster,
          name,
          [
            "sh",
            "-c",
            "until systemctl -q is-active answer.service && perl /opt/ask.pl 127.0.0.1:80 >/dev/null; do sleep 0.1; done",
          ],
          { timeoutMs: 60_000 },
        );
      }
    }
    outsideServer = new AbortController();
    void run("ip", ["netns", "exec", outside, process.execPath, "-e", echoPeer], {
      signal: outsideServer.signal,
    }).catch(() => {});
  });

  afterAll(async () => {
    outsideServer?.abort();
    await run("ip", ["netns", "delete", outside], { allowFailure: true });
    await run("ip", ["link", "delete", "slipway-out"], { allowFailure: true });
    for (const { driver, network } of clusters) {
      for (const name of ["one", "two"]) await driver.delete(network.cluster, name);
      await driver.deleteNetwork(network.cluster);
    }
    const foreign = await run("nft", ["list", "table", "ip", "slipway-test"], { allowFailure: true });
    await run("nft", ["delete", "table", "ip", "slipway-test"], { allowFailure: true });
    const left = await Promise.all(
      clusters.map(({ network, stateDirectory }) => remains(network.cluster, stateDirectory)),
    );
    for (const { dispose } of clusters) await dispose();
    expect(left.flat()).toEqual([]);
    expect(foreign.stdout).not.toContain("counter");
  });

  const ask = async (subject: Subject, name: string, target: string, from?: string): Promise<string> => {
    const command = ["perl", "/opt/ask.pl", target, ...(from === undefined ? [] : [from])];
    const { stdout, stderr } = await subject.driver.exec(subject.network.cluster, name, command, {
      allowFailure: true,
    });
    return stdout || stderr;
  };

  const connectError = async (subject: Subject, name: string, address: string): Promise<string> => {
    const command = ["timeout", "30", "bash", "-c", `echo >/dev/tcp/${address}/80`];
    return (await subject.driver.exec(subject.network.cluster, name, command, { allowFailure: true })).stderr;
  };

  test("nodes reach each other by name and by address", async () => {
    const [a] = clusters;
    expect(await ask(a!, "one", "two:80")).toBe("net-a/two 10.79.201.11");
    expect(await ask(a!, "two", "10.79.201.11:80")).toBe("net-a/one 10.79.201.12");
  });

  test("two clusters with the same pods' range each reach their own pods, with the pods' own addresses", async () => {
    for (const subject of clusters) {
      const { cluster } = subject.network;
      expect(await ask(subject, "one", "10.244.2.5:80")).toBe(
        `${cluster}/two ${subject.spec("one").address}`,
      );
      expect(await ask(subject, "one", "10.244.2.5:80", "10.244.1.5")).toBe(`${cluster}/two 10.244.1.5`);
      expect(await ask(subject, "two", "10.244.1.5:80", "10.244.2.5")).toBe(`${cluster}/one 10.244.2.5`);
    }
  });

  test("pods that are gone are unreachable, not sent to the host's default route", async () => {
    expect(await connectError(clusters[0]!, "one", "10.244.9.9")).toMatch(/No route to host/);
  });

  test("clusters are apart", async () => {
    expect(await ask(clusters[0]!, "one", "10.79.202.11:80")).toMatch(/no answer/);
  });

  test("a node's way out is the host's address; nobody comes in unasked", async () => {
    expect(await ask(clusters[0]!, "one", `${outsideAddress}:80`)).toBe(`outside ${hostAddress}`);
    const inward = await run("ip", [
      "netns",
      "exec",
      outside,
      process.execPath,
      "-e",
      tryConnect("10.79.201.11", 80),
    ]);
    expect(inward.stdout).toBe("closed");
  });

  test("published ports answer on the host, on the addresses they were given", async () => {
    expect(await askTcp("127.0.0.1", 28_080)).toBe("net-a/one 10.79.201.1\n");
    expect(await askTcp("127.0.0.1", 28_081)).toBe("net-a/one 10.79.201.1\n");
    expect(await askTcp(hostAddress, 28_081)).toMatch(/^net-a\/one /);
    expect(await askUdp("127.0.0.1", 28_080)).toBe("net-a/one 10.79.201.1\n");
    const from = (port: number) =>
      run("ip", ["netns", "exec", outside, process.execPath, "-e", tryConnect(hostAddress, port)]);
    expect((await from(28_081)).stdout).toBe(`net-a/one ${outsideAddress}`);
    expect((await from(28_080)).stdout).toBe("closed");
  });

  test("a node reaches its own cluster's published ports through the host", async () => {
    expect(await ask(clusters[0]!, "two", "10.79.201.1:28081")).toMatch(/^net-a\/one /);
    expect(await ask(clusters[0]!, "one", "10.79.201.1:28081")).toMatch(/^net-a\/one /);
  });

  test("ports are changed while the machine runs; a taken one is refused by its holder's name", async () => {
    const { driver, network } = clusters[0]!;
    const server: Server = createServer().listen(28_090, "127.0.0.1");
    await once(server, "listening");
    const taken = { ...ports[0]!, hostPort: 28_090 };
    await expect(driver.publishPorts(network.cluster, "one", [...ports, taken])).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    server.close();
    await once(server, "close");
    await driver.publishPorts(network.cluster, "one", [taken]);
    expect(await askTcp("127.0.0.1", 28_090)).toBe("net-a/one 10.79.201.1\n");
    await expect(askTcp("127.0.0.1", 28_080)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await driver.publishPorts(network.cluster, "one", ports);
  });

  test("a node cannot send to the host's loopback, although the bridge routes there for published ports", async () => {
    const { driver, network } = clusters[1]!;
    const received: string[] = [];
    const socket = createSocket("udp4").bind(28_091, "127.0.0.1");
    socket.on("message", (text) => received.push(text.toString()));
    await once(socket, "listening");
    // Forged as a node's root can: 127.0.0.1 routed to the gateway.
    const prepare = `ip route delete local 127.0.0.0/8 dev lo table local
      ip route delete local 127.0.0.1 dev lo table local
      echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
      ip route add 127.0.0.1 via ${network.gateway}`;
    const send = (text: string) =>
      driver.exec(network.cluster, "two", ["bash", "-c", `echo ${text} >/dev/udp/127.0.0.1/28091`]);
    await driver.exec(network.cluster, "two", ["sh", "-c", prepare]);
    await send("guarded");
    await run("nft", ["flush", "chain", "ip", bridgeName(network.cluster), "guard"]);
    // The same packet arrives without the guard: it is the guard that holds it back.
    for (let i = 0; i < 50 && received.length === 0; i++) {
      await send("unguarded");
      await delay(100);
    }
    socket.close();
    expect(received[0]).toBe("unguarded\n");
  });

  test("a stopped machine publishes nothing and is not routed to", async () => {
    const { driver, network } = clusters[0]!;
    await driver.stop(network.cluster, "one");
    await expect(askTcp("127.0.0.1", 28_080)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await connectError(clusters[0]!, "two", "10.244.1.5")).toMatch(/No route to host/);
    expect((await run("nft", ["list", "table", "ip", "slipway-test"])).stdout).toContain(bridgeName("net-a"));
  });
});

const echoPeer = `require("node:net").createServer((s) => s.end("outside " + s.remoteAddress + "\\n")).listen(80, "${outsideAddress}")`;

const tryConnect = (host: string, port: number) =>
  `const s = require("node:net").connect({ host: "${host}", port: ${port}, timeout: 1500 });
   const end = (text) => { process.stdout.write(text); process.exit(); };
   s.on("data", (text) => end(text)); s.on("error", () => end("closed")); s.on("timeout", () => end("closed"));`;

async function askTcp(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  await once(socket, "close");
  return text;
}

async function askUdp(host: string, port: number): Promise<string> {
  const socket = createSocket("udp4");
  socket.send("who", port, host);
  const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(3000) })) as [Buffer];
  socket.close();
  return answer.toString();
}
