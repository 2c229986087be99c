import type { LeaseStore } from "../dhcp/lease-store.js";
import type { Lease } from "../dhcp/leases.js";
import type { DnsHost, DnsNames } from "../dns/names.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { Machine } from "../inventory/types.js";

/** Of clients that call themselves alike so many are told: as many as fit an answer over UDP, more or less. */
const maxAlike = 32;

/** Names of the lab's machines, and of the clients that have a lease. */
export function dnsNames(snapshot: Snapshot, leases: LeaseStore, now: number): DnsNames {
  const domains = [
    ...new Set(snapshot.networks.flatMap(({ domain }) => (domain === undefined ? [] : [domain]))),
  ];
  const [domain] = domains;
  const host = (name: string, address: string): DnsHost => ({
    name,
    address,
    ...(domain === undefined ? {} : { domain }),
  });
  const machineOf = ({ mac }: Lease): Machine | undefined =>
    mac === undefined ? undefined : snapshot.machines.byMac.get(mac);
  function* leasesNamed(name: string): Generator<Lease> {
    const machine = snapshot.hosts.get(name);
    if (machine) yield* leases.ofMac(machine.mac);
    // What the lab calls a machine goes before what it calls itself.
    for (const lease of leases.ofHostName(name)) if (!machineOf(lease)) yield lease;
  }
  return {
    records: snapshot.dns.records,
    domains,
    hostsNamed(name) {
      const machine = snapshot.hosts.get(name);
      if (machine?.address !== undefined) return [host(name, machine.address)];
      const hosts: DnsHost[] = [];
      for (const { address, expires } of leasesNamed(name)) {
        if (expires > now) hosts.push(host(name, address));
        if (hosts.length === maxAlike) break;
      }
      return hosts;
    },
    hostAt(address) {
      const machine = snapshot.machines.byAddress.get(address);
      if (machine) return host(machine.name, address);
      const lease = leases.ofAddress(address);
      if (lease?.state !== "bound" || lease.expires <= now) return undefined;
      const name = (machineOf(lease)?.name ?? lease.hostName)?.toLowerCase();
      return name === undefined ? undefined : host(name, address);
    },
  };
}
