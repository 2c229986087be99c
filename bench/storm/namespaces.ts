import { run } from "../../src/base/run.js";
import { clientAddress, machinesSubnet, serverAddress } from "./lab.js";

/** Where the server runs, and where its clients do: two network namespaces with one wire between them. */
export const places = { server: "slipway-storm-s", client: "slipway-storm-c" } as const;
export type Side = keyof typeof places;

/**
 * Every address of the machines is local where the clients are, so that each speaks from its own. Nobody answers ARP for one
 * of them, as a machine does not before it has its address; packets to them take the way by the clients' own. Needs root.
 */
export async function makeNamespaces(): Promise<AsyncDisposable> {
  await removeNamespaces();
  const { server, client } = places;
  for (const command of [
    ...[server, client].flatMap((name) => [`netns add ${name}`, `-n ${name} link set lo up`]),
    `-n ${server} link add eth0 type veth peer name eth0 netns ${client}`,
    `-n ${server} address add ${serverAddress}/16 dev eth0`,
    `-n ${client} address add ${clientAddress}/16 dev eth0`,
    ...[server, client].map((name) => `-n ${name} link set eth0 up`),
    `netns exec ${client} sysctl -qw net.ipv4.conf.eth0.arp_ignore=1`,
    `-n ${server} route add ${machinesSubnet} via ${clientAddress}`,
    `-n ${client} route add local ${machinesSubnet} dev lo`,
    `-n ${client} route add default dev eth0`,
  ]) {
    await run("ip", command.split(" "));
  }
  return { [Symbol.asyncDispose]: removeNamespaces };
}

async function removeNamespaces(): Promise<void> {
  for (const name of Object.values(places))
    await run("ip", ["netns", "delete", name], { allowFailure: true });
}

/** The command that runs a program of Node's on one side. */
export const nodeOn = (side: Side, program: string, args: readonly string[]): [string, string[]] => [
  "ip",
  ["netns", "exec", places[side], process.execPath, program, ...args],
];
