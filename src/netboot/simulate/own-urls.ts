import { recordOf } from "../dns/names.js";
import type { LabNetwork } from "../inventory/types.js";
import type { UnpluggedServer } from "./unplugged-server.js";

/** Whether a URL leads to the server itself; with `note` where that is taken for granted. */
export type Whose = { own: true; target: string; note?: string } | { own: false; because: string };

/** Paths that only a server like this one has. */
const ownPaths =
  /^\/(?:boot\.ipxe(?:\.0)?|ipxe|grub|ignition|cloud|generic|metadata|assets\/.*|boot-files\/.*)$/;

export function whoseUrl(url: string, server: UnpluggedServer, network: LabNetwork | undefined): Whose {
  const parsed = new URL(url);
  const { protocol, hostname, pathname, search } = parsed;
  if (protocol !== "http:" && protocol !== "https:")
    return { own: false, because: `${protocol}// is not followed` };
  const target = `${pathname}${search}`;
  const base = new URL(server.httpUrl(network));
  const isHere =
    parsed.host === base.host ||
    (hostname === network?.address && portOf(parsed) === (server.snapshot.settings.http.port ?? 8080));
  if (isHere) return { own: true, target };
  const addresses = recordOf(hostname.toLowerCase(), server.snapshot.dns.records)?.addresses;
  const elsewhere = (because: string): Whose => ({ own: false, because });
  if (addresses !== undefined) {
    if (!addresses.includes(network?.address ?? "127.0.0.1"))
      return elsewhere(`which is at ${addresses[0]}, not followed`);
    return { own: true, target };
  }
  const isName = !/^[\d.]+$|^\[/.test(hostname);
  if (isName && ownPaths.test(pathname) && portOf(parsed) === portOf(base)) {
    const note = `${hostname} is taken to be this server, by its path: the machine's DNS must know it as ${network?.address ?? "this server's address"}.`;
    return { own: true, target, note };
  }
  return elsewhere("which is another server's, not followed");
}

const portOf = ({ port, protocol }: URL): number =>
  port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
