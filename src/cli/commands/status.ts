import { SlipwayError } from "../../base/errors.js";
import { didYouMean } from "../../base/nearest.js";
import type { ClusterStatus, NodeStatus } from "../../cluster/status.js";
import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "status",
  summary: "Show how a cluster and its nodes are",
  description:
    "The exit code is 0 when all is well; else the sum of 1 (a machine does not run), 2 (kubelet or API server does not run) and 4 (kubeconfig is missing).",
  flags: {
    node: { short: "n", type: "string", value: "NAME", summary: "Only this node", complete: "node" },
    format: {
      short: "f",
      type: "string",
      value: "TEMPLATE",
      summary: "Print this for each node, e.g. '{{.Name}} {{.Host}}'",
    },
  },
  examples: [
    ["status", "the active cluster, for people"],
    ["status -o json", "for programs"],
    ["status --format '{{.APIServer}}'", "one field"],
  ],
  outputs: ["text", "json", "yaml"],
  async run(cli, _args, flags) {
    const { clusterStatus } = await import("../../cluster/status.js");
    const status = await clusterStatus(await cli.profile(), cli.context);
    if (status.advice) cli.context.events({ type: "warning", ...status.advice });
    const nodes = onlyNode(status, flags.node).map(asMinikube);
    if (flags.format !== undefined) for (const node of nodes) cli.print(fillIn(flags.format, node));
    else await cli.show(nodes.length === 1 ? nodes[0] : nodes, () => nodes.map(text).join("\n\n"));
    return exitCode(nodes);
  },
});

/** A node as minikube's `status -o json` has it: scripts know these names and words. The certificates are ours. */
type NodeFields = ReturnType<typeof asMinikube>;

const asMinikube = (node: NodeStatus) => ({
  Name: node.name,
  Host: node.host,
  Kubelet: node.kubelet,
  APIServer: node.apiServer ?? "Irrelevant",
  Kubeconfig: node.kubeconfig ?? "Irrelevant",
  Certificates: node.certificates ?? "Irrelevant",
  Worker: node.role === "worker",
});

function onlyNode({ name, nodes }: ClusterStatus, wanted: string | undefined): NodeStatus[] {
  if (wanted === undefined) return nodes;
  const found = nodes.filter((node) => node.name === wanted);
  if (found.length > 0) return found;
  throw new SlipwayError("NODE_NOT_FOUND", `profile "${name}" has no node "${wanted}"`, {
    hint: `it has: ${nodes.map((node) => node.name).join(", ")}`,
  });
}

/** minikube's bits: `cmd/minikube/cmd/status.go`. */
export function exitCode(nodes: readonly NodeFields[]): number {
  const any = (bad: (node: NodeFields) => boolean) => nodes.some(bad);
  const machine = any(({ Host }) => Host !== "Running") ? 1 : 0;
  const cluster = any(
    ({ Kubelet, APIServer }) => Kubelet !== "Running" || !["Running", "Irrelevant"].includes(APIServer),
  );
  const kubeconfig = any(({ Kubeconfig }) => Kubeconfig === "Missing");
  return machine + (cluster ? 2 : 0) + (kubeconfig ? 4 : 0);
}

function text(node: NodeFields): string {
  const lines = [
    node.Name,
    `type: ${node.Worker ? "Worker" : "Control Plane"}`,
    `host: ${node.Host}`,
    `kubelet: ${node.Kubelet}`,
  ];
  if (!node.Worker) lines.push(`apiserver: ${node.APIServer}`, `kubeconfig: ${node.Kubeconfig}`);
  if (node.Certificates !== "Irrelevant" && node.Certificates !== "Valid") {
    lines.push(`certificates: ${node.Certificates}`);
  }
  return lines.join("\n");
}

/** Replaces `{{.Field}}`, which is all that scripts use of Go's templates here. */
export function fillIn(template: string, node: NodeFields): string {
  return template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, field: string) => {
    if (field in node) return String(node[field as keyof NodeFields]);
    const near = didYouMean(field, Object.keys(node));
    throw new SlipwayError("USAGE", `a node's status has no field ${field}${near ? `, ${near}` : ""}`, {
      hint: `there are: ${Object.keys(node).join(", ")}`,
    });
  });
}
