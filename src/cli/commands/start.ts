import type { Profile } from "../../cluster/profile.js";
import type { WaitFor } from "../../cluster/wait-for.js";
import { applyFlags } from "../../spec/apply-flags.js";
import { type StartFlagValues, specFlags, startFlags } from "../../spec/flags.js";
import { loadClusterSpec } from "../../spec/load.js";
import { startOptions, type WaitPart } from "../../spec/start-options.js";
import type { Cli } from "../cli.js";
import { defineCommand } from "../command.js";
import { seconds } from "../output/figures.js";
import { readSettings } from "../settings.js";

export const command = defineCommand({
  name: "start",
  summary: "Make a cluster, or bring it back",
  description:
    "What the cluster is comes from the flags, then from the file (-f), then, for a new cluster without a file, from `slipway config`. Run again, it does only what is missing.",
  flags: startFlags,
  examples: [
    ["start", "one node, the newest Kubernetes"],
    ["start -p demo --nodes 3 --memory 2Gi", "three nodes"],
    ["start -f cluster.yaml", "as the file says"],
    ["start --dry-run -o yaml", "print the plan, touch nothing"],
  ],
  outputs: ["text", "json", "yaml"],
  streams: (given) => given["dry-run"] !== true,
  async run(cli) {
    const began = cli.context.clock.monotonicMs();
    const given = cli.given as StartFlagValues;
    const file = given.file === undefined ? undefined : await loadClusterSpec(given.file);
    const name = cli.namedProfile ?? file?.form.metadata?.name ?? (await cli.profile());
    const flags = { ...(await settingsFor(name, file !== undefined, cli)), ...given };
    const options = startOptions({ ...flags, output: cli.output });
    const { form, locate } = applyFlags(file, { ...flags, profile: name });
    const { resolveProfile } = await import("../../cluster/request.js");
    const profile = await resolveProfile(
      form,
      { locate, workingDirectory: cli.workingDirectory },
      cli.context,
    );
    if (options.dryRun) {
      await showPlan(profile, cli);
      return 0;
    }

    const components = {
      offline: options.offline,
      ...(options.binaryMirror === undefined ? {} : { binaryMirror: options.binaryMirror }),
      ...(options.imageRepository === undefined ? {} : { imageRepository: options.imageRepository }),
    };
    if (options.downloadOnly) {
      const { ensureNodeSoftware } = await import("../../cluster/software.js");
      const { summary } = await ensureNodeSoftware(profile.spec, components, cli.context);
      cli.done(
        { downloaded: profile.spec.kubernetesVersion },
        `everything that a start needs is here: ${summary}`,
      );
      return 0;
    }
    const { startCluster } = await import("../../cluster/start.js");
    const { findProfile } = await import("../../cluster/profile.js");
    const { usualWaits } = await import("../../cluster/wait-for.js");
    const waits = flags.wait === undefined ? usualWaits(profile.spec) : waitFor(options.wait);
    const { keepContext, waitTimeoutMs } = options;
    const isNew = (await findProfile(name, cli.context)) === undefined;
    const { kubeconfigFiles } = cli;
    const cluster = await startCluster(
      { profile, waitFor: waits, waitTimeoutMs, kubeconfigFiles, keepContext, components },
      cli.context,
    ).catch(async (error: unknown) => {
      if (options.deleteOnFailure && isNew) await removeAgain(name, cli);
      throw error;
    });
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done(
      { profile: name, server: cluster.server, kubeconfig: cluster.kubeconfig, spec: cluster.spec },
      `${name} is ${waits.has("node_ready") ? "ready" : "up"} in ${took}: Kubernetes ${cluster.spec.kubernetesVersion} at ${cluster.server}`,
    );
    return 0;
  },
});

/** The user's settings; of those that say what a cluster is only for a new one that no file describes. */
async function settingsFor(name: string, hasFile: boolean, { context }: Cli): Promise<StartFlagValues> {
  const settings = await readSettings(context.paths);
  const { findProfile } = await import("../../cluster/profile.js");
  if (!hasFile && (await findProfile(name, context)) === undefined) return settings;
  return Object.fromEntries(Object.entries(settings).filter(([flag]) => !(flag in specFlags)));
}

/** minikube's parts, of which some are the same thing here. */
function waitFor(parts: readonly WaitPart[]): ReadonlySet<WaitFor> {
  const meant: Record<WaitPart, WaitFor> = {
    apiserver: "apiserver",
    default_sa: "default_sa",
    extra: "system_pods",
    apps_running: "apps_running",
    system_pods: "system_pods",
    kubelet: "kubelet",
    node_ready: "node_ready",
  };
  return new Set(parts.map((part) => meant[part]));
}

async function showPlan({ spec, facts }: Profile, cli: Cli): Promise<void> {
  const { planCluster } = await import("../../plan/plan.js");
  const { readCniManifest } = await import("../../cluster/cni-manifest.js");
  const plan = planCluster(spec, facts, await readCniManifest(spec));
  await cli.show(plan, () =>
    [
      `${spec.metadata.name}: Kubernetes ${spec.kubernetesVersion}, nothing was touched`,
      ...plan.nodes.map(({ name, role, address }) => `  node ${name}  ${role}  ${address}`),
      `  pods ${spec.network.podSubnet}, Services ${spec.network.serviceSubnet}`,
      `  add-ons ${spec.addons.join(", ") || "none"}`,
      `  ${plan.certificates.length} certificates, ${plan.objects.flatMap(({ objects }) => objects).length} objects`,
      "the whole plan: slipway start --dry-run -o yaml",
    ].join("\n"),
  );
}

async function removeAgain(name: string, { kubeconfigFiles, context }: Cli): Promise<void> {
  const { deleteCluster } = await import("../../cluster/delete.js");
  // The signal may be what ended the start; the removal must still be done.
  const signal = new AbortController().signal;
  await deleteCluster(name, { kubeconfigFiles }, { ...context, signal });
}
