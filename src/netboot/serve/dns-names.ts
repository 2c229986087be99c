import type { LeaseStore } from "../dhcp/lease-store.js";
import type { DnsHost, DnsNames } from "../dns/names.js";
import type { Snapshot } from "../inventory/snapshot.js";

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
  return {
    records: snapshot.dns.records,
    domains,
    hostsNamed(name) {
      const machine = snapshot.hosts.get(name);
      if (machine?.address !== undefined) return [host(name, machine.address)];
      return [...leases.leases()]
        .filter((lease) => lease.state === "bound" && lease.expires > now && nameOf(snapshot, lease) === name)
        .map((lease) => host(name, lease.address));
    },
    hostAt(address) {
      const machine = snapshot.machines.byAddress.get(address);
      if (machine) return host(machine.name, address);
      const lease = leases.ofAddress(address);
      const name =
        lease && lease.state === "bound" && lease.expires > now ? nameOf(snapshot, lease) : undefined;
      return name === undefined ? undefined : host(name, address);
    },
  };
}

/** What the lab calls a machine goes before what it calls itself. */
const nameOf = (snapshot: Snapshot, lease: { mac?: string; hostName?: string }): string | undefined =>
  ((lease.mac && snapshot.machines.byMac.get(lease.mac)?.name) ?? lease.hostName)?.toLowerCase();
