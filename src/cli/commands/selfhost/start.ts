import { isAbsolute, resolve } from "node:path";
import { parseDuration } from "../../../spec/duration.js";
import { ProblemCollector } from "../../../spec/problems.js";
import { defineCommand } from "../../command.js";
import { seconds } from "../../output/figures.js";
import { usage } from "../../usage.js";

export const start = defineCommand({
  name: "selfhost start",
  summary: "Bring a self-hosted control plane up on this machine, which has a kubelet, from rendered assets",
  description:
    "Bootstraps with static pods, applies the manifests, and ends the static pods when what they brought up is ready. Run again, it does only what is missing; after the pivot it applies what changed.",
  flags: {
    "asset-dir": {
      type: "string",
      value: "DIR",
      summary: "What selfhost render wrote",
      complete: "file",
    },
    "pod-manifest-path": {
      type: "string",
      value: "DIR",
      summary: "Where the kubelet looks for static pods",
      default: "/etc/kubernetes/manifests",
      complete: "file",
    },
    "required-pods": {
      type: "string",
      value: "NAMES",
      summary:
        "What must be ready before the pivot, namespace/name each. Default: kube-apiserver, kube-controller-manager, kube-scheduler and pod-checkpointer of kube-system",
    },
    strict: { type: "boolean", summary: "Apply nothing when the API server refuses one of the manifests" },
    timeout: {
      type: "string",
      value: "DURATION",
      summary: "How long to wait for each thing",
      default: "20m",
    },
  },
  examples: [["selfhost start --asset-dir assets", "on the first control-plane node, as root"]],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _, flags) {
    const directory = flags["asset-dir"];
    if (directory === undefined) throw usage("selfhost start needs --asset-dir", "--asset-dir assets");
    const problems = new ProblemCollector((path) => `--${path[0]}`);
    const timeoutMs = problems.try(["timeout"], () => parseDuration(flags.timeout));
    const manifestPath = flags["pod-manifest-path"];
    if (!isAbsolute(manifestPath)) problems.add(["pod-manifest-path"], "must be an absolute path");
    problems.throwIfAny();
    const began = cli.context.clock.monotonicMs();
    const { startSelfhosted } = await import("../../../selfhost/start/start.js");
    const started = await startSelfhosted(
      {
        assetDirectory: resolve(cli.workingDirectory, directory),
        manifestPath: resolve(manifestPath),
        requiredPods: flags["required-pods"]?.split(",").map((name) => name.trim()),
        strict: flags.strict,
        timeoutMs: timeoutMs!,
      },
      cli.context,
    );
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done(
      { ...started },
      started.node === undefined
        ? `${started.objects} objects are as in ${directory}; the control plane was self-hosted before`
        : `the control plane is self-hosted in ${took}, on ${started.node}`,
    );
  },
});
