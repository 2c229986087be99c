import { listLinks, listRoutes } from "./ip-command.js";

/**
 * The IPv4 ranges that this host uses: its addresses with their prefix (`192.168.1.7/24`) and the targets of the routes that
 * everybody on it follows. The default route is none.
 */
export async function takenSubnets(options: { signal?: AbortSignal } = {}): Promise<string[]> {
  const [links, routes] = await Promise.all([listLinks(options), listRoutes("main", options)]);
  const addresses = links.flatMap(({ addr_info: addresses }) =>
    addresses.flatMap(({ family, local, prefixlen }) => (family === "inet" ? [`${local}/${prefixlen}`] : [])),
  );
  const targets = routes.flatMap(({ dst }) =>
    dst === "default" ? [] : [dst.includes("/") ? dst : `${dst}/32`],
  );
  return [...new Set([...addresses, ...targets])];
}
