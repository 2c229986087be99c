import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeDhcp, encodeDhcp } from "../../../src/netboot/dhcp/codec.js";
import { messageTypeOf } from "../../../src/netboot/dhcp/options.js";
import { ask } from "../../../src/netboot/dhcp/testing.js";
import { decodePacket, encodeRequest } from "../../../src/netboot/tftp/codec.js";
import { bundle } from "../bundle.js";
import { GoodClient } from "./good-client.js";
import { ServedLab } from "./served-lab.js";

// What somebody on the machines' network might try against a server as it is installed.

const [good, one, other] = ["10.88.0.201", "10.88.0.211", "10.88.0.212"] as const;

let lab: ServedLab;
beforeAll(async () => {
  lab = await ServedLab.create([good, one, other]);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** Answers to packets over UDP, each undefined when there was none. */
async function answers(from: string, port: number, packets: Uint8Array[], ownPort = 0) {
  const program = await bundle(join(import.meta.dirname, "say.ts"), lab.directory);
  const hex = packets.map((packet) => Buffer.from(packet).toString("hex"));
  const { stdout } = await lab.on(from, process.execPath, [
    ...[program, ownPort === 0 ? from : "0.0.0.0", String(ownPort), String(port)],
    ...hex,
  ]);
  const lines = `${stdout}\n`.split("\n").slice(0, packets.length);
  return lines.map((line) => (line === "" ? undefined : Buffer.from(line, "hex")));
}

test("heads and bodies that never end are cut, and good clients are served meanwhile", async () => {
  const program = await bundle(join(import.meta.dirname, "slow.ts"), lab.directory);
  const client = new GoodClient(lab, good);
  const before = await lab.process();
  let going = true;
  const lorises = Promise.all(
    [one, other].map((from) => lab.on(from, process.execPath, [program, from, "150", "100"])),
  ).finally(() => {
    going = false;
  });
  await expect
    .poll(async () => (await lab.metrics(good)).get("slipway_http_connections"))
    .toBeGreaterThan(490);
  while (going) await client.boot();
  for (const { stdout } of await lorises) expect(Number(stdout)).toBeLessThan(40);
  expect(client.rounds).toBeGreaterThan(2);
  const after = await lab.process();
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
});

test("a relay of a network that is none of ours gets no answer and no lease", async () => {
  const relayed = (giaddr: string, mac: string) =>
    [ask("DISCOVER", { mac, giaddr }), ask("REQUEST", { mac, giaddr, options: { 50: "10.88.0.77" } })].map(
      (packet) => encodeDhcp(packet).bytes,
    );
  const count = async () => {
    const metrics = await lab.metrics(good);
    const dhcp = (kind: string) => metrics.get(`slipway_dhcp_packets_total{kind="${kind}"}`) ?? 0;
    return {
      strange: dhcp("strange"),
      answered: dhcp("answered"),
      faults: dhcp("faults"),
      leases: metrics.get("slipway_dhcp_leases")!,
    };
  };
  const before = await count();
  // An answer would go to giaddr: this host has that address, and the server a way to it.
  await lab.ip(one, "address", "add", "10.88.1.7/32", "dev", "eth0");
  await lab.serverIp("route", "add", "10.88.1.7", "via", one);
  expect(await answers(one, 67, relayed("10.88.1.7", "52:54:00:f3:00:01"), 67)).toEqual([
    undefined,
    undefined,
  ]);
  expect(await count()).toEqual({ ...before, strange: before.strange + 2 });
  // One of ours: as its relay, and so that the test can see an answer.
  const [offer] = await answers(one, 67, relayed(one, "52:54:00:f3:00:02").slice(0, 1), 67);
  const decoded = decodeDhcp(offer!);
  expect("packet" in decoded && messageTypeOf(decoded.packet.options)).toBe("OFFER");
});

test("no path leads out, by TFTP or HTTP", async () => {
  const steps = [
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\etc\\passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "ipxe.efi/../../lab.yaml",
  ];
  const read = (file: string) => encodeRequest({ type: "read", file, mode: "octet", options: new Map() });
  const got = await answers(one, 69, [...steps, "undionly.kpxe"].map(read));
  expect(got.map((bytes) => bytes && decodePacket(bytes)?.type)).toEqual([
    ...steps.map(() => "error"),
    "data",
  ]);

  const paths = [
    ...[
      "/assets/../lab.yaml",
      "/assets/%2e%2e/lab.yaml",
      "/assets/..%2flab.yaml",
      "/assets/%2e%2e%2flab.yaml",
    ],
    ...["/assets/link-out/passwd", "/assets//etc/passwd", "/boot-files/../lab.yaml", "/assets/..%5clab.yaml"],
    ...["/../../../../etc/passwd", "/assets/%252e%252e/lab.yaml", "/assets/kernel%00.txt"],
  ];
  const args = ["-sL", "--path-as-is", "--max-time", "10", "-w", "\n%{http_code}"];
  for (const path of [...paths, "/assets/kernel"]) {
    const { stdout } = await lab.on(one, "curl", [...args, `http://10.88.0.1:8080${path}`]);
    expect(stdout).not.toMatch(/root:|apiVersion/);
    expect([path, stdout.slice(-3)]).toEqual([
      path,
      path === "/assets/kernel" ? "200" : expect.stringMatching(/^4/),
    ]);
  }
});
