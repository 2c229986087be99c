import { defineCommand } from "../../command.js";
import { seconds } from "../../output/figures.js";
import { usage } from "../../usage.js";

export const upgrade = defineCommand({
  name: "selfhost upgrade",
  summary: "Bring a self-hosted cluster to another Kubernetes version while it serves",
  description:
    "One minor version at a time: a snapshot of etcd, then API servers, controller manager, scheduler, kube-proxy and kubelets, each waited for. What does not come up goes back to what it was. Run again, it goes on where it was cut short. A kubelet may be older than the API server; pods of a node move first where another node takes them.",
  flags: {
    to: { type: "string", value: "VERSION", summary: "v1.36.3, 1.36, stable or latest" },
    "control-plane-only": {
      type: "boolean",
      summary: "Leave the kubelets; they follow at the next stop and start, or when this is run again",
    },
  },
  examples: [["selfhost upgrade -p demo --to 1.36.3", "from 1.35"]],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _, flags) {
    if (flags.to === undefined) throw usage("selfhost upgrade needs --to", "--to 1.36.3");
    const began = cli.context.clock.monotonicMs();
    const [{ upgradeCluster }, { resolveVersion }, { supportedKubernetesVersions }] = await Promise.all([
      import("../../../cluster/selfhost/upgrade.js"),
      import("../../../spec/kubernetes-version.js"),
      import("../../../components/catalog.js"),
    ]);
    const to = resolveVersion(flags.to, supportedKubernetesVersions);
    const name = await cli.profile();
    const from = await upgradeCluster(
      name,
      { to, controlPlaneOnly: flags["control-plane-only"] },
      cli.context,
    );
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done({ profile: name, from, to }, `${name} is at ${to} after ${took}`);
  },
});
