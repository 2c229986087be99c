import { readFileSync } from "node:fs";
import type { Observation } from "../observation.js";
import { leaseIn } from "../timeline/join.js";

/** Leases that are remembered; more are no network that one server boots. */
const maxLeases = 100_000;

/**
 * Whose an address is: by the last lease that was given, or overheard, else by the kernel's neighbour table, which has
 * every machine of a network of ours that speaks to us.
 */
export class AddressOwners {
  readonly #leases = new Map<string, string>();
  readonly #neighbours: () => string;

  /** @param neighbours the neighbour table, as `/proc/net/arp` has it */
  constructor(neighbours: () => string = readNeighbours) {
    this.#neighbours = neighbours;
  }

  readonly take = (observation: Observation): void => {
    const lease = leaseIn(observation);
    if (!lease) return;
    if (this.#leases.size >= maxLeases) this.#leases.clear();
    this.#leases.set(lease.address, lease.mac);
  };

  /** MAC, in lower case with colons; undefined: nobody can tell. */
  readonly ownerOf = (address: string): string | undefined =>
    this.#leases.get(address) ?? neighbourIn(this.#neighbours(), address);
}

/** The MAC of an address in a table of proc(5): IP address, HW type, flags, HW address, mask, device. */
export function neighbourIn(table: string, address: string): string | undefined {
  for (const line of table.split("\n")) {
    const [ip, , flags, mac] = line.trim().split(/\s+/);
    // 0x2: complete
    if (ip === address && mac !== undefined && (Number(flags) & 2) !== 0) return mac.toLowerCase();
  }
  return undefined;
}

function readNeighbours(): string {
  try {
    return readFileSync("/proc/net/arp", "utf8");
  } catch {
    return "";
  }
}
