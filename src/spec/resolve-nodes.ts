import { type ClusterSpec, controlPlaneCount, type NodeSpec } from "./cluster-spec.js";
import type { ResolveFacts } from "./facts.js";
import { checkNodeName } from "./names.js";
import { type FieldPath, nowhere, ProblemCollector } from "./problems.js";
import { memoryText, parseCpus, parseMemory, type Unbounded } from "./quantity.js";
import { checkNetwork } from "./resolve-network.js";
import type { ClusterForm, NodeForm } from "./schema.js";
import { parseTaint, type Taint } from "./taint.js";

/** Below this the role's own programs do not run (measured: an API server and etcd need some 600 MiB). */
const leastMemoryBytes = { "control-plane": 1024 ** 3, worker: 512 * 1024 ** 2 } as const;

/** The nodes, in the form's order: what it gives, then what the cluster has, then the defaults. */
export function resolveNodes(profile: string, form: ClusterForm, facts: ResolveFacts): NodeSpec[] {
  const existing = facts.existing?.nodes;
  const count = Array.isArray(form.nodes)
    ? form.nodes.length
    : (form.nodes ?? Math.max(existing?.length ?? 1, form.controlPlanes ?? 1));
  const roleOf = defaultRoles(form, existing);
  const given: NodeForm[] = Array.from({ length: count }, (_, i) =>
    Array.isArray(form.nodes) ? form.nodes[i]! : {},
  );
  const taken = new Set([...given.map(({ name }) => name), ...(existing ?? []).map(({ name }) => name)]);
  const indexes = new Set((existing ?? []).map(({ index }) => index));

  return given.map((node, i) => {
    const before = existing?.[i];
    const index = before?.index ?? lowestFree(indexes);
    indexes.add(index);
    const name = node.name ?? before?.name ?? defaultNodeName(profile, index, taken);
    taken.add(name);
    return {
      name,
      index,
      role: node.role ?? roleOf(i),
      ...(before?.metal ? { metal: before.metal } : {}),
      ...limitsOf(node, form, before, facts),
      labels: { ...(node.labels ?? before?.labels) },
      taints: node.taints?.map(taintOf) ?? before?.taints ?? [],
    };
  });
}

/** The role of node `i` that says none: what it is, unless another number of control planes is asked for than there are. */
function defaultRoles(
  { controlPlanes }: ClusterForm,
  existing: readonly NodeSpec[] = [],
): (i: number) => NodeSpec["role"] {
  const first = controlPlanes ?? 1;
  const keep = controlPlanes === undefined || controlPlanes === controlPlaneCount(existing);
  return (i) => (keep && existing[i]?.role) || (i < first ? "control-plane" : "worker");
}

/**
 * A node that joins the cluster, a worker unless it says otherwise: at the lowest free place, called after it.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`: a name that is taken or not a name; too little memory; no room in the networks.
 */
export function nextNode(
  spec: ClusterSpec,
  form: NodeForm = {},
  facts: Pick<ResolveFacts, "hostMemoryBytes" | "hostCpus"> = {},
): NodeSpec {
  const index = lowestFree(new Set(spec.nodes.map((node) => node.index)));
  const taken = new Set(spec.nodes.map((node) => node.name));
  const node: NodeSpec = {
    name: form.name ?? defaultNodeName(spec.metadata.name, index, taken),
    index,
    role: form.role ?? "worker",
    ...limitsOf(form, {}, undefined, facts),
    labels: { ...form.labels },
    taints: form.taints?.map(taintOf) ?? [],
  };
  const nodes = [...spec.nodes, node];
  const problems = new ProblemCollector(nowhere);
  checkNodes(nodes, { nodes: [...spec.nodes.map(() => ({})), form] }, problems);
  checkNetwork(spec.network, nodes, problems);
  problems.throwIfAny();
  return node;
}

function lowestFree(taken: ReadonlySet<number>): number {
  let index = 0;
  while (taken.has(index)) index++;
  return index;
}

/** As minikube: the first node is called as the profile, the others `<profile>-m02` … */
function defaultNodeName(profile: string, index: number, taken: ReadonlySet<string | undefined>): string {
  for (let number = index + 1; ; number++) {
    const name = number === 1 ? profile : `${profile}-m${String(number).padStart(2, "0")}`;
    if (!taken.has(name)) return name;
  }
}

type Limits = Pick<NodeSpec, "memoryBytes" | "cpus">;

/** A node's own limits, else those for all nodes, else those that it has. */
function limitsOf(
  node: NodeForm,
  form: ClusterForm,
  before: Limits | undefined,
  { hostMemoryBytes, hostCpus }: Pick<ResolveFacts, "hostMemoryBytes" | "hostCpus">,
): Limits {
  const memory = node.memory ?? form.memory;
  const cpus = node.cpus ?? form.cpus;
  const memoryBytes =
    memory === undefined ? before?.memoryBytes : bounded(parseMemory(memory), hostMemoryBytes);
  const cpuCount = cpus === undefined ? before?.cpus : bounded(parseCpus(cpus), hostCpus);
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpuCount === undefined ? {} : { cpus: cpuCount }),
  };
}

const bounded = (amount: number | Unbounded, max: number | undefined): number | undefined =>
  amount === "no-limit" ? undefined : amount === "max" ? max : amount;

function taintOf(taint: NonNullable<NodeForm["taints"]>[number]): Taint {
  if (typeof taint === "string") return parseTaint(taint);
  return { key: taint.key, effect: taint.effect, ...(taint.value ? { value: taint.value } : {}) };
}

/**
 * How many control planes a new cluster may have: an odd number. etcd goes on while more than half of its members do, so
 * that the one that makes an odd number even outlasts no further loss, and its own is one more to go wrong.
 */
export function checkControlPlanes(
  { nodes }: ClusterSpec,
  { controlPlanes, nodes: given }: ClusterForm,
  problems: ProblemCollector,
): void {
  const count = controlPlaneCount(nodes);
  if (controlPlanes !== undefined && controlPlanes !== count) {
    problems.add(
      ["controlPlanes"],
      typeof given === "number"
        ? `${given} nodes cannot have ${controlPlanes} control planes among them`
        : `${controlPlanes} control planes are asked for, and the list of nodes has ${count}`,
    );
  } else if (count > 0 && count % 2 === 0) {
    problems.add(
      [controlPlanes === undefined ? "nodes" : "controlPlanes"],
      `${count} control planes outlast the loss of no more than ${count - 1} do; take ${count - 1} or ${count + 1}`,
    );
  }
}

/** What must hold of the nodes together. */
export function checkNodes(nodes: readonly NodeSpec[], form: ClusterForm, problems: ProblemCollector): void {
  const seen = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    const path = (field: keyof NodeForm): FieldPath =>
      Array.isArray(form.nodes) && form.nodes[i]?.[field] !== undefined ? ["nodes", i, field] : ["nodes", i];
    problems.try(path("name"), () => checkNodeName(node.name));
    const first = seen.get(node.name);
    if (first !== undefined) problems.add(path("name"), `nodes[${first}] is called ${node.name} as well`);
    else seen.set(node.name, i);

    if (i === 0 && node.role !== "control-plane") {
      problems.add(path("role"), "the first node must be the control plane");
    }
    const least = leastMemoryBytes[node.role];
    if (node.memoryBytes !== undefined && node.memoryBytes < least) {
      const where = path("memory").length === 3 ? path("memory") : ["memory"];
      problems.add(
        where,
        `${memoryText(node.memoryBytes)} is too little for a ${node.role} node; at least ${memoryText(least)}`,
      );
    }
    const keys = node.taints.map(({ key, effect }) => `${key}:${effect}`);
    const twice = keys.find((key, j) => keys.indexOf(key) !== j);
    if (twice) problems.add(path("taints"), `the taint ${twice} is given twice`);
  }
}
