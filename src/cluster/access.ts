import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { runInteractive } from "../base/run.js";
import { mergeKubeconfig } from "../kube/kubeconfig-file.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { hostDriver } from "./driver.js";
import { type Profile, profilePaths, readProfile } from "./profile.js";
import { ensureKubectl } from "./software.js";

/** @throws {SlipwayError} `NODE_NOT_FOUND`, naming those that there are. */
export function nodeOf({ spec }: Profile, node: string | undefined): string {
  const names = spec.nodes.map(({ name }) => name);
  if (node === undefined) return names[0]!;
  if (names.includes(node)) return node;
  throw new SlipwayError("NODE_NOT_FOUND", `profile "${spec.metadata.name}" has no node "${node}"`, {
    hint: `it has: ${names.join(", ")}`,
  });
}

/** A shell in a node, or one command; gives its exit code. @param node default: the first one */
export async function nodeShell(
  name: string,
  node: string | undefined,
  command: string[],
  context: Context,
): Promise<number> {
  const target = nodeOf(await readProfile(name, context), node);
  return hostDriver(context).execInteractive(name, target, nodeCommand(command), { signal: context.signal });
}

/** Nothing is a shell, one text a line for the shell (`"ls /; df"`, as ssh has it), several texts a program and its arguments. */
function nodeCommand(command: string[]): string[] {
  const [line] = command;
  if (line === undefined) return ["/bin/bash", "--login"];
  return command.length === 1 ? ["/bin/sh", "-c", line] : command;
}

/** A side of `slipway cp`: `node:path`, `:path` on the first node, or a path of the host. */
function parseSide(side: string): { node?: string; path: string } {
  const match = /^([a-z0-9.-]*):(\/.*)$/.exec(side);
  return match ? { node: match[1]!, path: match[2]! } : { path: side };
}

/** Copies a file or directory between the host and a node, either way, or between nodes. */
export async function copyFile(name: string, from: string, to: string, context: Context): Promise<void> {
  const profile = await readProfile(name, context);
  const driver = hostDriver(context);
  const [source, target] = [parseSide(from), parseSide(to)];
  if (source.node !== undefined && target.node === undefined) {
    return driver.copyOut(
      name,
      nodeOf(profile, source.node || undefined),
      source.path,
      resolve(target.path),
      context,
    );
  }
  if (source.node === undefined && target.node !== undefined) {
    return driver.copyIn(
      name,
      nodeOf(profile, target.node || undefined),
      resolve(source.path),
      target.path,
      context,
    );
  }
  throw new SlipwayError("USAGE", "one side of a copy must be on a node, the other on the host", {
    hint: "write slipway cp FILE NODE:/PATH, or slipway cp NODE:/PATH FILE",
  });
}

/** A node's address. @param node default: the first one */
export async function nodeAddress(name: string, node: string | undefined, context: Context): Promise<string> {
  const profile = await readProfile(name, context);
  const target = nodeOf(profile, node);
  const machine = await hostDriver(context).inspect(name, target);
  if (!machine) {
    throw new SlipwayError("MACHINE_NOT_FOUND", `the machine of node "${target}" does not exist`, {
      hint: `make it: slipway start -p ${name}`,
    });
  }
  return machine.address;
}

/** Runs the kubectl of the cluster's own version against it; gives its exit code. */
export async function kubectl(name: string, args: string[], context: Context): Promise<number> {
  const { spec } = await readProfile(name, context);
  const program = await ensureKubectl(spec.kubernetesVersion, context);
  return runInteractive(program, args, {
    env: kubectlEnvironment(spec, context),
    signal: context.signal,
  });
}

/** What kubectl needs to know: the administrator's kubeconfig, and that the way to the nodes is not the user's proxy. */
export function kubectlEnvironment(
  { metadata, network }: ClusterSpec,
  context: Context,
): Record<string, string> {
  const { proxies } = context;
  return {
    KUBECONFIG: profilePaths(metadata.name, context).kubeconfig,
    ...(proxies && { NO_PROXY: [proxies.none, network.nodeSubnet].filter(Boolean).join(",") }),
  };
}

/** Puts the cluster into the user's kubeconfig again and makes it the current context. @returns whether anything changed */
export async function updateContext(
  name: string,
  kubeconfigFiles: string[],
  context: Context,
): Promise<boolean> {
  await readProfile(name, context);
  const own = await readFile(profilePaths(name, context).kubeconfig, "utf8");
  return mergeKubeconfig(kubeconfigFiles, own, {
    profile: name,
    owner: context.owner,
    signal: context.signal,
  });
}
