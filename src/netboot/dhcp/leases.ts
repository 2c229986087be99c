/** Who has which address. */
export interface Lease {
  address: string;
  /** Who it is, see `clientKey`. */
  client: string;
  /** Lower case with colons, of Ethernet clients; of a declined address, who was found to use it. */
  mac?: string;
  hostName?: string;
  /** offered: held for a moment; bound: the client has it; declined: in use by somebody unknown. */
  state: "offered" | "bound" | "declined";
  /** Milliseconds since 1970. */
  expires: number;
}

/** The leases of one network, as answers look them up. Those whose time is over stay until somebody else gets the address. */
export interface LeaseView {
  ofClient(client: string): Lease | undefined;
  ofAddress(address: string): Lease | undefined;
  /** An address of the range that nobody has or is promised: one that never was leased, else the one that is longest over. */
  free(client: string, now: number): string | undefined;
}

/** Whether somebody else has it now, or is promised it, or was found to use it. */
export const isTaken = (
  lease: Lease | undefined,
  { client, mac, now }: { client: string; mac: string | undefined; now: number },
): boolean =>
  lease !== undefined &&
  lease.client !== client &&
  lease.expires > now &&
  // Who uses it without a lease that we know of may have lost it with us.
  !(lease.state === "declined" && lease.mac !== undefined && lease.mac === mac);

/** What an answer changes. An ACK may go out only when its change is on disk. */
export type LeaseChange = { type: "set"; lease: Lease } | { type: "remove"; address: string };
