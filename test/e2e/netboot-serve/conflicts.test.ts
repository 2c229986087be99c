import { expect, test, vi } from "vitest";
import { run } from "../../../src/base/run.js";
import { ServedLab } from "./served-lab.js";

// Hosts that have addresses of the range without a lease, and drop pings, against a real client that asks for one.

const network = `network:
  interface: br0
  address: 10.88.0.1
  subnet: 10.88.0.0/24
  mode: dhcp
  range: 10.88.0.50-10.88.0.199
`;

async function squatter(lab: ServedLab, address: string): Promise<string> {
  const host = await lab.network.addHost(address);
  await lab.on(host, "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1");
  const { stdout } = await run("ip", ["-n", host, "-j", "link", "show", "eth0"]);
  return JSON.parse(stdout)[0].address;
}

test("an address that somebody has is not offered, and the log and the timeline name who has it", async () => {
  await using lab = await ServedLab.create();
  const first = await squatter(lab, "10.88.0.50");
  const second = await squatter(lab, "10.88.0.180");
  const client = await lab.network.addHost("10.88.0.250");
  const mac = "52:54:00:88:01:01";
  await run("ip", ["-n", client, "link", "set", "eth0", "address", mac]);
  await lab.write(network);
  await lab.serve();

  // Of those that were asked for ahead.
  expect(await lab.lease(client)).toMatch(/bound 10\.88\.0\.51 /);
  await lab.said(/10\.88\.0\.50 is in use/);
  expect(lab.observations().find(({ what }) => what === "10.88.0.50 is in use")).toMatchObject({
    address: "10.88.0.50",
    stage: "dhcp",
    outcome: "failed",
    details: { by: first, interface: "br0", because: expect.stringContaining(first) },
  });

  // One that the client names, and that nobody thought of before: its offer waits.
  const other = await lab.network.addHost("10.88.0.251");
  const otherMac = "52:54:00:88:01:02";
  await run("ip", ["-n", other, "link", "set", "eth0", "address", otherMac]);
  expect(await lab.lease(other, "-r", "10.88.0.180")).toMatch(/bound 10\.88\.0\.(?!180)\d+ /);
  expect(lab.observations().find(({ what }) => what === "10.88.0.180 is in use")).toMatchObject({
    mac: otherMac,
    details: { by: second },
  });

  // A free one that is named comes after the wait.
  const third = await lab.network.addHost("10.88.0.252");
  expect(await lab.lease(third, "-r", "10.88.0.190")).toMatch(/bound 10\.88\.0\.190 /);

  const metrics = await lab.on(client, "curl", "-sf", "http://10.88.0.1:8080/metrics");
  expect(metrics.stdout).toMatch(/^slipway_dhcp_conflicts 2$/m);
  expect(metrics.stdout).toMatch(/^slipway_dhcp_unprobed 0$/m);
});

test("with probe: false an address is offered as it is", async () => {
  await using lab = await ServedLab.create();
  await squatter(lab, "10.88.0.50");
  const client = await lab.network.addHost("10.88.0.250");
  await lab.write(`${network}  probe: false\n`);
  await lab.serve();
  expect(await lab.lease(client)).toMatch(/bound 10\.88\.0\.50 /);
});

test("a host that has an address without a lease may be given that one", async () => {
  await using lab = await ServedLab.create();
  const host = await lab.network.addHost("10.88.0.50");
  await lab.write(network);
  await lab.serve();
  await lab.said(/10\.88\.0\.50 is in use/);
  expect(await lab.lease(host, "-r", "10.88.0.50")).toMatch(/bound 10\.88\.0\.50 /);
  await vi.waitFor(() => expect(lab.observations().at(-1)?.what).toBe("REQUEST → ACK"));
});
