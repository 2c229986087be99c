import { run } from "../../../src/base/run.js";

const name = (letter: string): string => `slipway-dhcp-${letter}`;

/**
 * Machines as network namespaces, joined by wires: the server `s` has `br0` (10.88.0.1, with the machines `a` and `t`), and
 * `eth1` (10.89.0.1/16, with `b`) and `eth2` (10.90.0.1, with the relay `r`, behind which is `c` on 10.91.0.0/24).
 */
const machines = ["s", "a", "t", "b", "r", "c"];
const wires = [
  ["s", "br0a", "a"],
  ["s", "br0t", "t"],
  ["s", "eth1", "b"],
  ["s", "eth2", "r"],
  ["r", "eth1", "c"],
] as const;
export const macs = {
  a: "52:54:00:88:00:0a",
  t: "52:54:00:88:00:0e",
  b: "52:54:00:88:00:0b",
  c: "52:54:00:88:00:0c",
};

export async function makeWires(): Promise<void> {
  await removeWires();
  const inServer = (command: string) => `-n ${name("s")} ${command}`;
  const commands = [
    ...machines.flatMap((machine) => [`netns add ${name(machine)}`, `-n ${name(machine)} link set lo up`]),
    ...wires.map(
      ([one, link, other]) =>
        `-n ${name(one)} link add ${link} type veth peer name eth0 netns ${name(other)}`,
    ),
    inServer("link add br0 type bridge"),
    ...["br0a", "br0t"].flatMap((link) => [
      inServer(`link set ${link} master br0`),
      inServer(`link set ${link} up`),
    ]),
    ...[
      ["br0", "10.88.0.1/24"],
      ["eth1", "10.89.0.1/16"],
      ["eth2", "10.90.0.1/24"],
    ].flatMap(([link, address]) => [
      inServer(`address add ${address} dev ${link}`),
      inServer(`link set ${link} up`),
    ]),
    inServer("route add 10.91.0.0/24 via 10.90.0.2"),
    `-n ${name("r")} address add 10.90.0.2/24 dev eth0`,
    `-n ${name("r")} address add 10.91.0.2/24 dev eth1`,
    `-n ${name("r")} link set eth1 up`,
    `-n ${name("r")} link set eth0 up`,
    ...Object.entries(macs).flatMap(([machine, mac]) => [
      `-n ${name(machine)} link set eth0 address ${mac}`,
      `-n ${name(machine)} link set eth0 up`,
    ]),
  ];
  for (const command of commands) await run("ip", command.split(" "));
}

export async function removeWires(): Promise<void> {
  for (const machine of machines) await run("ip", ["netns", "delete", name(machine)], { allowFailure: true });
}

/** The command that runs a program on a machine. */
export const on = (machine: string, file: string, args: readonly string[]): [string, string[]] => [
  "nsenter",
  [`--net=/run/netns/${name(machine)}`, file, ...args],
];
