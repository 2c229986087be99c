import type { Observation } from "../observation.js";

/** How long before its lease was seen an address may already be a machine's. */
const beforeLeaseMs = 10 * 60_000;

/**
 * All observations by machine: by its MAC; those that have none by the MAC whose lease, or word, their address was at the
 * time; the others by address (`10.88.0.5`), and those that have neither under the empty key. None is lost, and
 * each machine's are in order of time.
 */
export function joinByMachine(observations: readonly Observation[]): Map<string, Observation[]> {
  const ordered = observations
    .map((observation) => ({ observation, at: Date.parse(observation.time) }))
    .sort((a, b) => a.at - b.at);
  const leases = new AddressBook();
  const words = new AddressBook();
  for (const { observation, at } of ordered) {
    const { mac, address, outcome } = observation;
    const lease = leaseIn(observation);
    if (lease) leases.note(lease.address, lease.mac, at);
    else if (mac !== undefined && address !== undefined && address !== "0.0.0.0" && outcome !== "refused") {
      words.note(address, mac, at);
    }
  }
  const machines = new Map<string, Observation[]>();
  for (const { observation, at } of ordered) {
    const { mac, address } = observation;
    const key =
      mac ??
      (address === undefined ? "" : (leases.ownerAt(address, at) ?? words.ownerAt(address, at) ?? address));
    const those = machines.get(key) ?? [];
    machines.set(key, those);
    those.push(observation);
  }
  return machines;
}

/** The lease that an observation tells of: ours, or another server's that was overheard. */
export function leaseIn({
  mac,
  address,
  stage,
  what,
  outcome,
  details,
}: Observation): { mac: string; address: string } | undefined {
  if (mac === undefined || stage !== "dhcp" || outcome !== "ok") return undefined;
  if (details.type === "ACK" && details.address) return { mac, address: details.address };
  return /→ ACK$/.test(what) && address !== undefined ? { mac, address } : undefined;
}

/** Whose an address was, and when. */
class AddressBook {
  readonly #owners = new Map<string, { at: number; mac: string }[]>();

  /** In order of time. */
  note(address: string, mac: string, at: number): void {
    const owners = this.#owners.get(address);
    if (!owners) this.#owners.set(address, [{ at, mac }]);
    else if (owners.at(-1)!.mac !== mac) owners.push({ at, mac });
  }

  ownerAt(address: string, at: number): string | undefined {
    const owners = this.#owners.get(address);
    if (!owners) return undefined;
    const last = owners.findLast((owner) => owner.at <= at);
    if (last) return last.mac;
    const first = owners[0]!;
    return first.at - at <= beforeLeaseMs ? first.mac : undefined;
  }
}
