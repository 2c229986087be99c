import type { ControlPlaneHost } from "../control-plane-host.js";

/**
 * While a cluster is bootstrapped, clients who call its port reach the bootstrap API server on the port beside it. The one
 * that takes over comes up on the cluster's own port behind this, and is called by its kubelet alone until it is ready.
 *
 * Sharing the port (SO_REUSEPORT) does not do for that: a new API server listens seconds before it serves, and refuses
 * with 403 until its informers are filled, and the kernel gives it half of the new connections all the while.
 */
const table = "slipway-bootstrap";

/**
 * Probes of the one that takes over call it by an address of its own, as root; every other connection, the kubelet's by whichever
 * other address among them, goes to the bootstrap one. A connection stays where it began when the rules go (conntrack), as long as
 * the chains are there.
 *
 * @param own where root reaches the one that takes over
 */
export const redirectRules = (port: number, bootstrapPort: number, own: string): string =>
  `${openChains}add rule ip ${table} incoming fib daddr type local tcp dport ${port} redirect to :${bootstrapPort}
add rule ip ${table} own ip daddr != ${own} fib daddr type local tcp dport ${port} redirect to :${bootstrapPort}
add rule ip ${table} own ip daddr ${own} meta skuid != 0 tcp dport ${port} redirect to :${bootstrapPort}
`;

const openChains = `add table ip ${table}
add chain ip ${table} incoming { type nat hook prerouting priority dstnat - 10; }
add chain ip ${table} own { type nat hook output priority -110; }
flush table ip ${table}
`;

export async function redirect(
  host: ControlPlaneHost,
  { port, bootstrapPort, own }: { port: number; bootstrapPort: number; own: string },
  signal: AbortSignal,
): Promise<void> {
  await host.exec(["nft", "-f", "-"], { input: redirectRules(port, bootstrapPort, own), signal });
}

/** New connections go to the cluster's own port from now on; those that are there stay. */
export async function endRedirect(host: ControlPlaneHost, signal: AbortSignal): Promise<void> {
  await host.exec(["nft", "-f", "-"], { input: openChains, signal });
}

/** To be called when nobody is left who was redirected. */
export async function removeRedirect(host: ControlPlaneHost, signal: AbortSignal): Promise<void> {
  await host.exec(["nft", "-f", "-"], { input: `add table ip ${table}\ndelete table ip ${table}\n`, signal });
}
