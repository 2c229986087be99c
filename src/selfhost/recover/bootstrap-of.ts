import { isMap, isSeq, parseDocument } from "yaml";
import { SlipwayError } from "../../base/errors.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { bootstrapParts, bootstrapSecretsPath } from "../../plan/selfhosted/bootstrap.js";
import { controlPlaneTier } from "../../plan/selfhosted/checkpointer.js";
import { bootstrapPorts, ownApiServerHost } from "../../plan/selfhosted/settings.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { PodSpec } from "../checkpoint/static-copy.js";
import { flagOf } from "../start/flag-of.js";
import type { StaticWorkload } from "../static-copies.js";
import { withFlags } from "./with-flags.js";

/** A bootstrap pod that was made of a workload of the cluster. */
export interface RecoveredPod {
  /** `bootstrap-apiserver.yaml` */
  file: string;
  pod: KubeObject;
  /** What it reads, below the bootstrap secrets' directory: `kube-apiserver/files/pki/ca.crt`. */
  files: Map<string, Buffer>;
}

/** Where a bootstrap pod has what its volume held. */
export const recoveredVolumePath = (workload: string, volume: string): string =>
  `${bootstrapSecretsPath}/${workload}/${volume}`;

const kubeconfigVolume = "recovery";

/** The port of the cluster's API servers, as their flags say. */
export const apiPortOf = ({ pod }: StaticWorkload): number =>
  Number(flagOf(asObject(pod), "secure-port") ?? "6443");

/**
 * The workload as a static pod beside it: on ports of its own, and calling the bootstrap API server. Flags, images and files are as
 * they are in the cluster. Pure.
 *
 * @param port the cluster's own; the bootstrap API server has the next one
 * @param kubeconfig for components that have none of their own, as bootkube's controller manager and scheduler
 */
export function bootstrapOf(workload: StaticWorkload, port: number, kubeconfig: string): RecoveredPod {
  const { name } = workload;
  const part = bootstrapParts.find(({ component }) => component === name);
  if (!part) throw new SlipwayError("INTERNAL", `${name} is no part of a control plane`);
  const server = `https://127.0.0.1:${port + 1}`;
  const prefix = `${bootstrapSecretsPath}/`;
  const files = new Map(
    workload.files.map(({ path, contents }) => [
      path.slice(prefix.length),
      withServer(Buffer.from(contents), server),
    ]),
  );
  const spec = structuredClone(workload.pod.spec);
  asRoot(spec);
  const container = spec.containers.find((candidate) => candidate.name === name) ?? spec.containers[0]!;
  const own = Number(flagOf(asObject(workload.pod), "secure-port") ?? defaultPorts[name]);
  const isApiServer = name === workloadNames.apiServer;
  const bootstrapPort = isApiServer
    ? port + 1
    : name === workloadNames.scheduler
      ? bootstrapPorts.scheduler
      : bootstrapPorts.controllerManager;
  const flags: Record<string, string | undefined> = isApiServer
    ? {
        "secure-port": String(bootstrapPort),
        // Reached by the redirect, on whatever address the node is called by.
        "bind-address": "0.0.0.0",
        "endpoint-reconciler-type": "none",
        "permit-port-sharing": undefined,
        "permit-address-sharing": undefined,
      }
    : { "secure-port": String(bootstrapPort), "bind-address": "127.0.0.1" };
  if (!isApiServer && flagOf(asObject(workload.pod), "kubeconfig") === undefined) {
    flags.kubeconfig = `/run/${kubeconfigVolume}/kubeconfig`;
    files.set(`${name}/${kubeconfigVolume}/kubeconfig`, withServer(Buffer.from(kubeconfig), server));
    const path = recoveredVolumePath(name, kubeconfigVolume);
    spec.volumes = [
      ...(spec.volumes ?? []),
      { name: kubeconfigVolume, hostPath: { path, type: "Directory" } },
    ];
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: kubeconfigVolume, mountPath: `/run/${kubeconfigVolume}`, readOnly: true },
    ];
  }
  if (container.args?.length) {
    const removed = Object.fromEntries(Object.keys(flags).map((flag) => [flag, undefined]));
    if (container.command) container.command = withFlags(container.command, removed);
    container.args = withFlags(container.args, flags);
  } else container.command = withFlags(container.command ?? [], flags);
  for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
    const get = probe?.httpGet;
    if (!get || Number(get.port) !== own) continue;
    get.port = bootstrapPort;
    if (!isApiServer) get.host = "127.0.0.1";
    else if (get.host === ownApiServerHost) delete get.host;
  }
  const label = `bootstrap-${name}`;
  return {
    file: part.file,
    files,
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: label,
        namespace: "kube-system",
        labels: { "k8s-app": label, [controlPlaneTier.key]: controlPlaneTier.value },
      },
      spec,
    },
  };
}

const defaultPorts: Record<string, number> = {
  [workloadNames.apiServer]: 6443,
  [workloadNames.controllerManager]: 10_257,
  [workloadNames.scheduler]: 10_259,
};

const asObject = (pod: StaticWorkload["pod"]): KubeObject => pod as unknown as KubeObject;

/** Its files are root's alone. */
function asRoot(spec: PodSpec): void {
  for (const context of [
    spec.securityContext,
    ...spec.containers.map(({ securityContext }) => securityContext),
  ]) {
    if (!context) continue;
    delete context.runAsUser;
    delete context.runAsGroup;
    delete context.runAsNonRoot;
  }
}

/** A kubeconfig that leads elsewhere; anything else as it is. */
function withServer(contents: Buffer, server: string): Buffer {
  const text = contents.toString("utf8");
  if (!/^kind: *["']?Config["']? *$/m.test(text)) return contents;
  const document = parseDocument(text, { prettyErrors: false });
  const clusters = document.get("clusters");
  if (document.errors.length > 0 || !isSeq(clusters)) return contents;
  for (const entry of clusters.items) if (isMap(entry)) entry.setIn(["cluster", "server"], server);
  return Buffer.from(document.toString());
}
