import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Observation } from "../../../src/netboot/observation.js";
import { realBootFiles } from "../netboot-lab.js";
import { greetingLab, type NetbootImage, netbootImage } from "./boot-lab.js";
import { LabNetwork } from "./lab-network.js";
import { bootMachine, type Firmware } from "./qemu.js";

const mac = "52:54:00:aa:00:01";
let scratch: string;
let image: NetbootImage;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-power-on-"));
  image = await netbootImage();
  await realBootFiles();
}, 30 * 60_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

const reported = (seen: readonly Observation[]) =>
  seen.filter(({ stage }) => stage === "report").map(({ what }) => what);

/** What happened up to the boot script, in order: by that firmware is told apart. */
const firstSteps = (seen: readonly Observation[]) =>
  seen
    .filter(
      ({ stage, what }) => ["dhcp", "proxydhcp", "tftp"].includes(stage) && !what.includes("another server"),
    )
    .slice(0, 4)
    .map(({ stage, what, details }) => `${stage} ${what} ${details.firmware ?? details.probe ?? ""}`.trim());

interface Way {
  firmware: Firmware & string;
  mode: "dhcp" | "proxy";
  /** How far it is watched: the first goes all the way. */
  until: "booted" | "ignition-applied";
  begins: string[];
}

const ways: Way[] = [
  {
    firmware: "seabios",
    mode: "dhcp",
    until: "booted",
    begins: ["dhcp DISCOVER → OFFER ipxe", "dhcp REQUEST → ACK ipxe"],
  },
  {
    firmware: "ovmf-http",
    mode: "dhcp",
    until: "ignition-applied",
    begins: ["dhcp DISCOVER → OFFER uefi-http-x64", "dhcp REQUEST → ACK uefi-http-x64"],
  },
  {
    firmware: "ovmf-pxe",
    mode: "proxy",
    until: "ignition-applied",
    begins: ["proxydhcp DISCOVER → OFFER uefi-x64"],
  },
];

// Side by side: firmware and iPXE wait for the network most of their time.
test.concurrent.each(ways)(
  "a machine with $firmware, $mode, goes from power-on to $until",
  async ({ firmware, mode, until, begins }) => {
    await using network = await LabNetwork.create();
    await using lab = await greetingLab(network, image, { mode, mac, address: "10.88.0.21" });
    if (mode === "proxy") await network.startDnsmasq(scratch, "10.88.0.2");
    await using server = await lab.serve({ startProgram: network.startProgram });
    const { seen } = server;
    await using machine = await bootMachine({ network, scratch, firmware, mac, memoryMiB: 2048 });
    const stages = ["initrd", "ignition-fetched", "ignition-applied", "booted"];
    const expected = stages.slice(0, stages.indexOf(until) + 1);
    await Promise.race([
      expect.poll(() => reported(seen), { timeout: 280_000, interval: 200 }).toEqual(expected),
      machine.failsIfItEnds(280_000),
    ]);
    expect(firstSteps(seen).slice(0, begins.length)).toEqual(begins);
    const config = seen.find(({ stage }) => stage === "ignition");
    expect(config).toMatchObject({ mac, outcome: "ok", details: { group: "node1", profile: "worker" } });
    expect(config?.details.agent).toContain("Ignition/2.24.0");
    if (until === "booted") await machine.waitFor(/greeted-52:54:00:aa:00:01/, 60_000);
  },
  340_000,
);
