import type { SelfhostStatus } from "../../../cluster/selfhost/status.js";
import { defineCommand } from "../../command.js";
import { table } from "../../output/table.js";

export const status = defineCommand({
  name: "selfhost status",
  summary: "Show where the control plane's pods run, their versions and certificates, and what is odd",
  description: "The exit code is 1 when something is odd; the command that helps stands beside it.",
  examples: [["selfhost status -p demo -o json", "for programs"]],
  outputs: ["text", "json", "yaml"],
  async run(cli) {
    const { selfhostStatus } = await import("../../../cluster/selfhost/status.js");
    const seen = await selfhostStatus(await cli.profile(), cli.context);
    await cli.show(seen, () => text(seen));
    return seen.odd.length > 0 ? 1 : 0;
  },
});

function text(seen: SelfhostStatus): string {
  const { name, kubernetesVersion, bootstrapper, pods, nodes, certificates, lastSnapshot, odd } = seen;
  const parts = [`${name}: Kubernetes ${kubernetesVersion}, bootstrapper ${bootstrapper}`];
  if (pods.length > 0) {
    parts.push(
      table(
        ["component", "node", "from", "version", "ready", "restarts", "pod"],
        pods.map((pod) => [
          pod.component,
          pod.node,
          pod.origin,
          pod.version,
          pod.ready ? "yes" : "no",
          String(pod.restarts),
          pod.pod,
        ]),
      ),
    );
  }
  if (nodes.length > 0) {
    parts.push(
      table(
        ["node", "kubelet", "ready"],
        nodes.map((node) => [node.name, node.kubelet, node.ready ? "yes" : "no"]),
      ),
    );
  }
  if (certificates.length > 0) {
    parts.push(
      table(
        ["secret", "certificate", "begins", "expires", "days left"],
        certificates.map(({ secret, file, notBefore, notAfter, daysLeft }) => [
          secret,
          file,
          day(notBefore),
          day(notAfter),
          String(daysLeft),
        ]),
      ),
    );
  }
  parts.push(
    lastSnapshot
      ? `last snapshot of etcd: ${lastSnapshot.name}, ${lastSnapshot.takenAt}`
      : "last snapshot of etcd: none",
  );
  parts.push(
    odd.length === 0
      ? "all is as it should be"
      : odd.map(({ message, hint }) => `odd: ${message}\n  try  ${hint}`).join("\n"),
  );
  return parts.join("\n\n");
}

const day = (date: Date): string => date.toISOString().slice(0, 10);
