import type { Lease } from "./leases.js";

/** Which addresses a machine has by MAC, and which are of clients that call themselves by a name. */
export class LeaseNames {
  readonly #byMac = new Map<string, Set<string>>();
  readonly #byHostName = new Map<string, Set<string>>();

  add({ address, mac, hostName, state }: Lease): void {
    if (state !== "bound") return;
    if (mac !== undefined) add(this.#byMac, mac, address);
    if (hostName !== undefined) add(this.#byHostName, hostName.toLowerCase(), address);
  }

  remove({ address, mac, hostName, state }: Lease): void {
    if (state !== "bound") return;
    if (mac !== undefined) remove(this.#byMac, mac, address);
    if (hostName !== undefined) remove(this.#byHostName, hostName.toLowerCase(), address);
  }

  ofMac(mac: string): Iterable<string> {
    return this.#byMac.get(mac) ?? [];
  }

  /** @param name in lower case */
  ofHostName(name: string): Iterable<string> {
    return this.#byHostName.get(name) ?? [];
  }
}

function add(index: Map<string, Set<string>>, key: string, address: string): void {
  const addresses = index.get(key);
  if (addresses) addresses.add(address);
  else index.set(key, new Set([address]));
}

function remove(index: Map<string, Set<string>>, key: string, address: string): void {
  const addresses = index.get(key);
  addresses?.delete(address);
  if (addresses?.size === 0) index.delete(key);
}
