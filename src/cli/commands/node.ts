import { resolve } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { parseMac } from "../../net/mac.js";
import type { MetalSpec } from "../../spec/cluster-spec.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const node = { name: "NAME", summary: "The node, as node list shows it", complete: "node" } as const;

const list = defineCommand({
  name: "node list",
  aliases: ["ls"],
  summary: "List a cluster's nodes",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { listNodes } = await import("../../cluster/nodes.js");
    const nodes = await listNodes(await cli.profile(), cli.context);
    await cli.show(nodes, () =>
      table(
        ["name", "role", "address", "state"],
        nodes.map(({ name, role, address, state }) => [name, role, address, state]),
      ),
    );
  },
});

const add = defineCommand({
  name: "node add",
  summary: "Add a node to a running cluster: a worker, or a control plane",
  arguments: [{ name: "NAME", summary: "What to call it; without it, the next name", optional: true }],
  flags: {
    "control-plane": {
      type: "boolean",
      summary: "A control plane: three outlast the loss of one, and have an address that moves",
    },
    memory: {
      type: "string",
      value: "AMOUNT",
      summary: "Its memory limit: 4Gi, 4096 (MiB), max or no-limit",
    },
    cpus: { type: "string", value: "COUNT", summary: "Its CPU limit: 2, 1.5, 500m, max or no-limit" },
    mac: {
      type: "string",
      value: "MAC",
      summary: "A machine of its own that boots over the network, by this network card; needs --ignition",
    },
    ignition: {
      type: "string",
      value: "FILE",
      summary:
        "Where that machine's Ignition config goes, in the lab of slipway netboot serve; holds secrets",
      complete: "file",
    },
  },
  examples: [
    ["node add", "one more sandbox"],
    ["node add --control-plane", "twice, and the cluster outlasts the loss of a node"],
    [
      "node add --mac 52:54:00:aa:00:01 --ignition lab/ignition/node1.ign",
      "a machine that boots over the network",
    ],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name], flags) {
    const { addNode, unfinishedAddition } = await import("../../cluster/nodes.js");
    const { checkMetal } = await import("../../cluster/metal.js");
    const { readProfile } = await import("../../cluster/profile.js");
    const { nodeAddresses } = await import("../../plan/addresses.js");
    const { nextNode } = await import("../../spec/resolve-nodes.js");
    const cluster = await cli.profile();
    const profile = await readProfile(cluster, cli.context);
    const { nodes } = profile.spec;
    const wanted = name ?? (await unfinishedAddition(cluster, cli.context));
    const { mac, ignition, "control-plane": controlPlane, ...limits } = flags;
    const role = controlPlane ? "control-plane" : "worker";
    // A node that is there already is brought to its end: an addition can be run again.
    const present = nodes.find(
      (entry) => entry.name === wanted && (entry.role === role || name === undefined),
    );
    const metal = metalOf(mac, ignition, cli.workingDirectory);
    if (metal && role === "control-plane") {
      throw new SlipwayError("USAGE", "a machine that boots over the network can be a worker only");
    }
    if (metal) checkMetal(metal, wanted, profile.spec);
    const added = {
      ...(present ?? nextNode(profile.spec, definedOnly({ name: wanted, role, ...limits } as const))),
      ...(metal ? { metal } : {}),
    };
    const spec = {
      ...profile.spec,
      nodes: present ? nodes.map((entry) => (entry === present ? added : entry)) : [...nodes, added],
    };
    await addNode(
      added.name,
      {
        profile: { ...profile, spec },
        waitFor: new Set(["apiserver", spec.network.cni === "none" ? "kubelet" : "node_ready"]),
        waitTimeoutMs: 6 * 60_000,
        kubeconfigFiles: cli.kubeconfigFiles,
        keepContext: true,
        components: {},
      },
      cli.context,
    );
    const address = nodeAddresses(spec).find((entry) => entry.name === added.name)?.address;
    cli.done(
      { profile: cluster, node: added.name, address, ...(added.metal ? { metal: added.metal } : {}) },
      added.metal
        ? `${added.name} is part of ${cluster} once ${added.metal.mac} boots with ${added.metal.configFile}, at the address ${address}`
        : `${added.name} is part of ${cluster}`,
    );
  },
});

const remove = defineCommand({
  name: "node delete",
  summary: "Take a node out of a cluster: its pods move, it goes; not the only control plane",
  arguments: [node],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name]) {
    const { deleteNode } = await import("../../cluster/nodes.js");
    const { kubeconfigFiles } = cli;
    await deleteNode(await cli.profile(), name!, { kubeconfigFiles }, cli.context);
    cli.done({ deleted: name }, `deleted: ${name}`);
  },
});

const start = defineCommand({
  name: "node start",
  summary: "Power a node on",
  arguments: [node],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name]) {
    const { startNode } = await import("../../cluster/nodes.js");
    await startNode(await cli.profile(), name!, cli.context);
    cli.done({ started: name }, `started: ${name}`);
  },
});

const stop = defineCommand({
  name: "node stop",
  summary: "Power a node off; its data stays",
  arguments: [node],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name]) {
    const { stopNode } = await import("../../cluster/nodes.js");
    await stopNode(await cli.profile(), name!, cli.context);
    cli.done({ stopped: name }, `stopped: ${name}`);
  },
});

export const command: CommandGroup = {
  name: "node",
  summary: "List, add, delete, start or stop nodes",
  commands: [list, add, remove, start, stop],
};

function metalOf(
  mac: string | undefined,
  ignition: string | undefined,
  directory: string,
): MetalSpec | undefined {
  if ((mac === undefined) !== (ignition === undefined)) {
    throw new SlipwayError("USAGE", "a machine that boots over the network needs both --mac and --ignition");
  }
  return mac === undefined || ignition === undefined
    ? undefined
    : { mac: parseMac(mac), configFile: resolve(directory, ignition) };
}

const definedOnly = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
