import type { LeaseStore } from "../dhcp/lease-store.js";
import type { NetbootMetrics } from "../http/metrics.js";
import type { HttpServer } from "../http/server.js";
import type { Recorder } from "../timeline/recorder.js";
import type { NetworkServices } from "./network-services.js";

/** What serves, and keeps counters of its own. */
export interface ServingParts {
  http: HttpServer[];
  services: NetworkServices;
  leases: LeaseStore;
  recorder: Recorder;
}

/** Puts the counters of all servers into `/metrics`: those of several networks as one. */
export function countServing(metrics: NetbootMetrics, parts: ServingParts): void {
  const { http, services, leases, recorder } = parts;
  const { dhcp } = services;
  metrics.counters("dhcp_packets_total", "DHCP packets, by what became of them", () => {
    const { delayed: _, unprobed: _u, conflicts: _c, ...packets } = dhcp.counters();
    return packets;
  });
  metrics.gauge(
    "dhcp_delayed",
    "DHCP offers that waited until it was known that nobody has their address",
    () => dhcp.counters().delayed,
  );
  metrics.gauge(
    "dhcp_unprobed",
    "DHCP offers of addresses that should have been asked for, under load for one",
    () => dhcp.counters().unprobed,
  );
  metrics.gauge(
    "dhcp_conflicts",
    "Addresses that somebody was found to have without a lease",
    () => dhcp.counters().conflicts,
  );
  metrics.counters("tftp_packets_total", "TFTP packets to port 69, by what became of them", () => {
    const { sessions: _, ...packets } = sum(services.tftp.map((server) => server.counters()));
    return packets;
  });
  metrics.counters("dns_packets_total", "DNS queries, by what became of them", () =>
    sum(services.dns.map((server) => server.counters())),
  );
  metrics.gauge(
    "tftp_sessions",
    "TFTP transfers that go on",
    () => sum(services.tftp.map((of) => of.counters())).sessions ?? 0,
  );
  metrics.gauge("dhcp_leases", "Addresses that have a lease, are offered or set aside", () => leases.size);
  metrics.gauge("http_connections", "HTTP connections that are open", () =>
    http.reduce((open, server) => open + server.connections().open, 0),
  );
  metrics.counters("http_connections_total", "HTTP connections, by what became of them", () => ({
    refused: http.reduce((refused, server) => refused + server.connections().refused, 0),
  }));
  metrics.gauge("timeline_lost", "Observations that did not get to the disk", () => recorder.lost);
}

function sum<T extends object>(all: readonly T[]): Partial<Record<keyof T, number>> {
  const total: Partial<Record<keyof T, number>> = {};
  for (const one of all) {
    for (const [kind, count] of Object.entries(one) as [keyof T, number][]) {
      total[kind] = (total[kind] ?? 0) + count;
    }
  }
  return total;
}
