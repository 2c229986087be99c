import type { Observation } from "../observation.js";

/** For tests: what the servers tell of a boot, as they word it. */
export const mac = "52:54:00:00:00:01";
export const address = "10.0.0.5";
const start = Date.parse("2026-01-01T00:00:00.000Z");

type Given = Partial<Omit<Observation, "time">> & Pick<Observation, "stage" | "what">;

/** @param second of the boot */
export const at = (second: number, given: Given): Observation => ({
  time: new Date(start + second * 1000).toISOString(),
  outcome: "ok",
  details: {},
  ...given,
});

export const instant = (second: number): number => start + second * 1000;

export const dhcp = (
  second: number,
  what: string,
  firmware: string,
  given: Partial<Observation> = {},
): Observation => at(second, { stage: "dhcp", what, mac, details: { xid: "0a0b0c0d", firmware }, ...given });

const got = { address };

/** A whole boot from SeaBIOS to a node that is up. */
export const wholeBoot: Observation[] = [
  dhcp(0, "DISCOVER → OFFER", "bios"),
  dhcp(1, "REQUEST → ACK", "bios", got),
  at(2, { stage: "tftp", what: "undionly.kpxe", address, bytes: 70_000, durationMs: 300 }),
  dhcp(5, "DISCOVER → OFFER", "ipxe"),
  dhcp(6, "REQUEST → ACK", "ipxe", got),
  at(7, {
    stage: "http",
    what: "GET /boot.ipxe",
    address,
    bytes: 100,
    details: { status: "200", agent: "iPXE/1.21.1" },
  }),
  at(7.1, { stage: "life", what: "provisioning", mac, address }),
  at(7.2, {
    stage: "http",
    what: "GET /ipxe",
    mac,
    address,
    bytes: 200,
    details: { status: "200", agent: "iPXE/1.21.1" },
  }),
  at(8, {
    stage: "http",
    what: "GET /assets/vmlinuz",
    address,
    bytes: 8_000_000,
    durationMs: 900,
    details: { status: "200" },
  }),
  at(9, {
    stage: "http",
    what: "GET /assets/initrd",
    address,
    bytes: 90_000_000,
    durationMs: 4000,
    details: { status: "200" },
  }),
  dhcp(30, "DISCOVER → OFFER", "other"),
  dhcp(31, "REQUEST → ACK", "other", got),
  at(32, { stage: "report", what: "initrd", mac, address }),
  at(33, {
    stage: "ignition",
    what: "GET /ignition",
    mac,
    address,
    bytes: 3000,
    details: { status: "200", agent: "Ignition/2.24.0" },
  }),
  at(34, { stage: "report", what: "ignition-fetched", mac, address }),
  at(36, { stage: "report", what: "ignition-applied", mac, address }),
  at(45, { stage: "report", what: "booted", mac, address }),
];
