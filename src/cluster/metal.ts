import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { makeDirectory, writeFileAtomic } from "../base/files.js";
import type { Material } from "../plan/material.js";
import type { ClusterPlan } from "../plan/plan.js";
import { sealNodeConfig } from "../plan/secrets.js";
import type { ClusterSpec, MetalSpec, NodeSpec } from "../spec/cluster-spec.js";

/** The cluster without its machines of metal: what this host runs, and waits for. */
export const sandboxPart = (spec: ClusterSpec): ClusterSpec => ({
  ...spec,
  nodes: spec.nodes.filter(({ metal }) => metal === undefined),
});

/**
 * Whether a machine can become the worker `name` (undefined: a new one).
 *
 * @throws {SlipwayError} `USAGE`
 */
export function checkMetal(
  { mac, configFile }: MetalSpec,
  name: string | undefined,
  { metadata, network, nodes }: ClusterSpec,
): void {
  // Its routes are this host's, which knows of sandboxes alone.
  if (network.cni === "bridge") {
    throw new SlipwayError(
      "USAGE",
      `the pod network of "${metadata.name}" is this host's own (--cni bridge)`,
      {
        hint: "make a cluster whose network spans machines: slipway start --cni flannel",
      },
    );
  }
  for (const node of nodes) {
    if (node.name === name && !node.metal) {
      throw new SlipwayError("USAGE", `the node ${name} is a sandbox`, { hint: "choose another name" });
    }
    if (node.name === name || !node.metal) continue;
    if (node.metal.mac === mac || node.metal.configFile === configFile) {
      const what = node.metal.mac === mac ? mac : configFile;
      throw new SlipwayError("USAGE", `${what} is the node ${node.name}'s`, {
        hint: `for that node: slipway node add ${node.name} …`,
      });
    }
  }
}

/**
 * Writes the Ignition config of each machine of metal, with its secrets, where a network-boot server has it: a machine
 * without a disk gets it at every boot.
 *
 * @returns names of these nodes
 */
export async function writeMetalConfigs(
  { spec, nodes }: ClusterPlan,
  material: Material,
  context: Context,
): Promise<string[]> {
  const written: string[] = [];
  for (const { name, metal } of spec.nodes) {
    const planned = nodes.find((node) => node.name === name);
    if (!metal || !planned) continue;
    const config = sealNodeConfig(planned.config, material);
    await makeDirectory(dirname(metal.configFile), { owner: context.owner });
    await writeFileAtomic(metal.configFile, `${JSON.stringify(config)}\n`, { mode: 0o600, ...context.owner });
    written.push(name);
  }
  return written;
}

/** The config of a node that goes: it would let the machine in again. */
export async function removeMetalConfig({ metal }: NodeSpec): Promise<void> {
  if (metal) await rm(metal.configFile, { force: true });
}
