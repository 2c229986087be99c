import { expect, test, vi } from "vitest";
import { ServedLab } from "./served-lab.js";

// Networks that come and go while the server serves: real clients on each.

const network = (bridge: string, third: number): string => `- interface: ${bridge}
  address: 10.88.${third}.1
  subnet: 10.88.${third}.0/24
  mode: dhcp
  range: 10.88.${third}.50-10.88.${third}.99
  domain: lab.test
`;
const indented = (text: string): string => text.replaceAll(/^/gm, "  ").trimEnd();
const networks = (...all: string[]): string => `networks:\n${all.map(indented).join("\n")}\n`;

test("networks go live when the lab has them, and away with it; what fails leaves the rest as it is", async () => {
  await using lab = await ServedLab.create();
  await lab.network.ip("link", "add", "br1", "type", "bridge");
  await lab.network.ip("address", "add", "10.88.1.1/24", "dev", "br1");
  await lab.network.ip("link", "set", "br1", "up");
  const one = await lab.network.addHost("10.88.0.250");
  const two = await lab.network.addHost("10.88.1.250", "br1");
  const tftp = (host: string, server: string) =>
    lab.on(
      host,
      "curl",
      "-sS",
      "--max-time",
      "3",
      "-o",
      "/dev/null",
      "-w",
      "%{size_download}",
      `tftp://${server}/ipxe.efi`,
    );
  const dns = (host: string, server: string) =>
    lab.on(host, "dig", "+short", "+time=2", "+tries=1", `@${server}`, "node1.lab.test");

  await lab.write("machines: []\n");
  await lab.serve();
  await lab.said(/no network is named/);

  const machine = 'machines:\n  - { name: node1, mac: "52:54:00:88:02:01", address: 10.88.0.20 }\n';
  await lab.write(networks(network("br0", 0)) + machine);
  await lab.said(/br0: DHCP, TFTP, DNS at 10\.88\.0\.1/);
  expect(await lab.lease(one)).toMatch(/bound 10\.88\.0\.50 by 10\.88\.0\.1/);
  expect(Number((await tftp(one, "10.88.0.1")).stdout)).toBeGreaterThan(100_000);
  expect((await dns(one, "10.88.0.1")).stdout).toBe("10.88.0.20");

  // Another one, whose interface is not there yet, and whose DNS port somebody has: br0 goes on.
  await lab.network.ip("link", "set", "br1", "down");
  await lab.network.ip("address", "flush", "dev", "br1");
  await lab.write(networks(network("br0", 0), network("br1", 1)) + machine);
  await lab.said(/br1 is not served whole.*no interface of this machine has 10\.88\.1\.1/);
  expect(lab.observations().find(({ what }) => what === "br1 is not served")).toMatchObject({
    outcome: "failed",
    details: { error: expect.stringContaining("10.88.1.1") },
  });
  expect(await lab.lease(one)).toMatch(/bound 10\.88\.0\.50/);

  // Tried again at the next change.
  await lab.network.ip("address", "add", "10.88.1.1/24", "dev", "br1");
  await lab.network.ip("link", "set", "br1", "up");
  const holder = lab.network.start(process.execPath, [
    "-e",
    'require("node:dgram").createSocket("udp4").bind(69, "10.88.1.1")',
  ]);
  await vi.waitFor(async () => expect(await lab.network.exec("ss", "-Hunl")).toContain("10.88.1.1:69"), {
    timeout: 10_000,
  });
  await lab.write(`${networks(network("br0", 0), network("br1", 1)) + machine}approve: auto\n`);
  await lab.said(/br1 is not served whole.*UDP port 69 of 10\.88\.1\.1 is taken/);
  expect(await lab.lease(two)).toMatch(/bound 10\.88\.1\.50 by 10\.88\.1\.1/);
  holder.kill("SIGKILL");
  await holder;
  await lab.write(networks(network("br0", 0), network("br1", 1)) + machine);
  await lab.said(/br1: DHCP, TFTP, DNS at 10\.88\.1\.1/);
  expect(Number((await tftp(two, "10.88.1.1")).stdout)).toBeGreaterThan(100_000);

  // Away with the first: the second serves, and nothing listens where the first did.
  await lab.write(networks(network("br1", 1)));
  await lab.said(/br0: served no more/);
  const listening = await lab.network.exec("ss", "-Hanu");
  expect(listening).not.toContain("10.88.0.1");
  expect(listening).toContain("10.88.1.1%br1:67");
  expect(await lab.lease(one)).not.toMatch(/bound/);
  expect(await lab.lease(two)).toMatch(/bound 10\.88\.1\.50/);
});
