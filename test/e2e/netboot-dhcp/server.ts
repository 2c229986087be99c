/*
 * A DHCP server in a process of its own: server.mjs CONFIG_JSON. Prints `ready`, then a line of JSON for each observation.
 * At SIGUSR2 it prints its counters.
 */
import { systemClock } from "../../../src/base/clock.js";
import { dhcpLab } from "../../../src/netboot/dhcp/lab.js";
import { LeaseStore } from "../../../src/netboot/dhcp/lease-store.js";
import { startDhcpServer } from "../../../src/netboot/dhcp/server.js";
import type { LabNetwork, Machine } from "../../../src/netboot/inventory/types.js";

export interface ServerConfig {
  leases: string;
  networks: LabNetwork[];
  machines: Machine[];
  /** Whether it is asked who has an address before that is offered. */
  probe?: boolean;
}

const { leases: path, networks, machines, probe = false } = JSON.parse(process.argv[2]!) as ServerConfig;
const print = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
const lab = dhcpLab({
  networks,
  machines: {
    byName: new Map(machines.map((machine) => [machine.name, machine])),
    byMac: new Map(machines.map((machine) => [machine.mac, machine])),
    byAddress: new Map(machines.flatMap((machine) => (machine.address ? [[machine.address, machine]] : []))),
  },
  boot: ({ address }) => ({
    tftp: address,
    http: `http://${address}`,
    files: new Set(["undionly.kpxe", "ipxe.efi"]),
  }),
});
const leases = await LeaseStore.open(path);
const server = await startDhcpServer({ lab: () => lab, leases, observe: print, clock: systemClock, probe });
process.on("SIGUSR2", () => print({ counters: server.counters(), damaged: leases.damaged }));
process.on("SIGTERM", () => {
  void server
    .close()
    .then(() => leases.close())
    .then(() => process.exit(0));
});
process.stdout.write("ready\n");
