import type { Context } from "../../base/context.js";
import { messageOf } from "../../base/errors.js";
import type { KubeClient } from "../../kube/client.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import type { KubeNode, Pod } from "../../kube/wire.js";
import { inspectCertificate } from "../../pki/inspect.js";
import { planCluster } from "../../plan/plan.js";
import { checkpointerName, checkpointOfAnnotation } from "../../plan/selfhosted/checkpointer.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { machineHost } from "../../selfhost/control-plane-host.js";
import { isPivoting } from "../../selfhost/pivot/pivot.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { hostDriver } from "../driver.js";
import { ensureMaterial } from "../material.js";
import { profilePaths, readProfile } from "../profile.js";
import { listShelf } from "../snapshot/shelf.js";
import { connectApi, describePods, requireBootstrapper, waitOptions } from "./control-plane.js";
import { isVersion } from "./kubelet-upgrade.js";
import { type PendingUpgrade, pendingUpgrade } from "./upgrade-state.js";

/** What a control-plane pod is: an object of the cluster, or one that a kubelet has from its own disk. */
export type PodOrigin = "self-hosted" | "static" | "bootstrap" | "checkpoint";

export interface ComponentPod {
  component: string;
  node: string;
  origin: PodOrigin;
  pod: string;
  /** Of its image. */
  version: string;
  ready: boolean;
  restarts: number;
  /** When it began. */
  since?: string;
}

export interface SecretCertificate {
  secret: string;
  /** Its key in the Secret. */
  file: string;
  subject: string;
  notBefore: Date;
  notAfter: Date;
  daysLeft: number;
}

export interface Oddity {
  message: string;
  /** The command that helps. */
  hint: string;
}

export interface SelfhostStatus {
  name: string;
  kubernetesVersion: string;
  bootstrapper: ClusterSpec["bootstrapper"];
  pods: ComponentPod[];
  nodes: { name: string; kubelet: string; ready: boolean }[];
  certificates: SecretCertificate[];
  /** The newest on the host. */
  lastSnapshot?: { name: string; takenAt: string; path: string };
  upgrade?: PendingUpgrade;
  odd: Oddity[];
}

/** How long it waits for an API server that does not answer. */
const patienceMs = 5000;
const soonDays = 30;
const components: readonly string[] = [...Object.values(workloadNames), checkpointerName];

/** Where the control plane of a cluster runs and how it is. @throws {SlipwayError} `PROFILE_NOT_FOUND`, `USAGE` */
export async function selfhostStatus(name: string, context: Context): Promise<SelfhostStatus> {
  const { spec, facts } = await readProfile(name, context);
  requireBootstrapper(spec, "selfhosted", "static");
  const paths = profilePaths(name, context);
  const material = await ensureMaterial(planCluster(spec, facts), paths.pki, context);
  const newest = (await listShelf(name, context)).at(-1);
  const upgrade = await pendingUpgrade(name, context);
  const known = {
    name,
    kubernetesVersion: spec.kubernetesVersion,
    bootstrapper: spec.bootstrapper,
    ...(newest ? { lastSnapshot: { name: newest.name, takenAt: newest.takenAt, path: newest.path } } : {}),
    ...(upgrade ? { upgrade } : {}),
  };
  await using client = connectApi(material);
  try {
    const options = { signal: context.signal, timeoutMs: patienceMs };
    const [pods, nodes, certificates] = await Promise.all([
      client.list<Pod>({ path: "/api/v1/namespaces/kube-system/pods", labelSelector: "k8s-app" }, options),
      client.list<KubeNode>({ path: "/api/v1/nodes" }, options),
      secretCertificates(client, context),
    ]);
    const seen = {
      ...known,
      pods: await withoutEnding(pods.items.flatMap(componentPod), name, context),
      nodes: nodes.items.map(({ metadata, status }) => ({
        name: metadata?.name ?? "",
        kubelet: status?.nodeInfo?.kubeletVersion ?? "",
        ready: status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
      })),
      certificates,
    };
    return { ...seen, odd: oddities(seen) };
  } catch (error) {
    context.signal.throwIfAborted();
    const machines = await hostDriver(context).list(name);
    const off = machines.filter(({ state }) => state !== "running");
    const why: Oddity =
      off.length > 0
        ? {
            message: `${off.map((machine) => machine.name).join(", ")} do not run`,
            hint: `slipway start -p ${name}`,
          }
        : {
            message: `the API does not answer: ${messageOf(error)}`,
            hint:
              spec.bootstrapper === "selfhosted"
                ? `slipway selfhost recover -p ${name}`
                : `slipway logs -p ${name} --problems`,
          };
    return { ...known, pods: [], nodes: [], certificates: [], odd: [why] };
  }
}

/** Without bootstrap pods that their node has no manifest of any more: the API lists them until they have ended. */
async function withoutEnding(
  pods: readonly ComponentPod[],
  name: string,
  context: Context,
): Promise<ComponentPod[]> {
  const driver = hostDriver(context);
  const ending = new Set<string>();
  const nodes = new Set(pods.filter(({ origin }) => origin === "bootstrap").map(({ node }) => node));
  for (const node of nodes) {
    const pivot = { host: machineHost(driver, name, node), wait: waitOptions(context) };
    if (!(await isPivoting(pivot))) ending.add(node);
  }
  return pods.filter(({ origin, node }) => origin !== "bootstrap" || !ending.has(node));
}

const mirrorAnnotation = "kubernetes.io/config.mirror";

function componentPod({ metadata, spec, status }: Pod): ComponentPod[] {
  const label = metadata?.labels?.["k8s-app"] ?? "";
  const component = label.replace(/^bootstrap-/, "");
  if (!components.includes(component) && component !== "kube-proxy") return [];
  const annotations = metadata?.annotations ?? {};
  const origin: PodOrigin =
    checkpointOfAnnotation in annotations
      ? "checkpoint"
      : !(mirrorAnnotation in annotations)
        ? "self-hosted"
        : label === component
          ? "static"
          : "bootstrap";
  const since = status?.startTime;
  return [
    {
      component,
      node: spec?.nodeName ?? "",
      origin,
      pod: metadata?.name ?? "",
      version: spec?.containers[0]?.image?.split(":").at(-1) ?? "",
      ready: status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
      restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
      ...(since ? { since } : {}),
    },
  ];
}

/** The certificates in the control plane's Secrets, kubeconfigs' among them. */
async function secretCertificates(
  client: KubeClient,
  { signal, clock }: Context,
): Promise<SecretCertificate[]> {
  const { items } = await client.list<{ metadata: { name: string }; data?: Record<string, string> }>(
    { path: "/api/v1/namespaces/kube-system/secrets", labelSelector: `k8s-app in (${components.join(",")})` },
    { signal },
  );
  return items.flatMap(({ metadata: { name: secret }, data = {} }) =>
    Object.entries(data).flatMap(([file, encoded]): SecretCertificate[] => {
      const text = Buffer.from(encoded, "base64").toString("utf8");
      const pem = file.endsWith(".crt")
        ? text
        : file.endsWith(".conf") || file === "kubeconfig"
          ? credentialsFromKubeconfig(text).certificatePem
          : undefined;
      if (pem === undefined) return [];
      const { subject, notBefore, notAfter, daysLeft } = inspectCertificate(pem, clock.now(), {});
      return [{ secret, file, subject, notBefore, notAfter, daysLeft }];
    }),
  );
}

/** What is not as it should be, and the command that helps. Pure. */
export function oddities(status: Omit<SelfhostStatus, "odd">): Oddity[] {
  const { name, kubernetesVersion, bootstrapper, pods, nodes, certificates, upgrade } = status;
  const odd: Oddity[] = [];
  if (upgrade) {
    odd.push({
      message: `an upgrade from ${upgrade.from} to ${upgrade.to} has begun and not ended`,
      hint: `slipway selfhost upgrade -p ${name} --to ${upgrade.to}`,
    });
  }
  const bootstrap = pods.filter(({ origin }) => origin === "bootstrap");
  if (bootstrap.length > 0 && !upgrade) {
    odd.push({
      message: `${bootstrap.map(({ pod }) => pod).join(", ")}: of a pivot that has not ended`,
      hint:
        bootstrapper === "static"
          ? `slipway selfhost pivot -p ${name}, or unpivot`
          : `slipway start -p ${name}`,
    });
  }
  const former = bootstrapper === "selfhosted" ? "static" : "self-hosted";
  const left = pods.filter(
    ({ component, origin }) => origin === former && Object.values<string>(workloadNames).includes(component),
  );
  if (left.length > 0) {
    const move = bootstrapper === "selfhosted" ? "unpivot" : "pivot";
    const article = bootstrapper === "selfhosted" ? "an" : "a";
    odd.push({
      message: `${left.map(({ pod }) => pod).join(", ")}: ${former}, of ${article} ${move} that has not ended`,
      hint: `slipway selfhost ${move} -p ${name}`,
    });
  }
  for (const { component, pod, ready } of pods) {
    if (!ready) odd.push({ message: `${pod} is not ready`, hint: describePods(name, component) });
  }
  for (const { component, pod } of pods.filter(({ origin }) => origin === "checkpoint")) {
    const parent = pods.some(
      (other) => other.component === component && other.origin === "self-hosted" && other.ready,
    );
    if (parent && component !== checkpointerName) {
      odd.push({ message: `${pod} stands in for a pod that is back`, hint: describePods(name, component) });
    }
  }
  const wanted = bootstrapper === "selfhosted" ? "self-hosted" : "static";
  for (const component of Object.values<string>(workloadNames)) {
    if (pods.some((pod) => pod.component === component && pod.origin === wanted)) continue;
    odd.push({ message: `there is no ${wanted} ${component}`, hint: `slipway start -p ${name}` });
  }
  const others = pods.filter(
    ({ component, version }) => component !== checkpointerName && version !== kubernetesVersion,
  );
  if (others.length > 0 && !upgrade) {
    odd.push({
      message: `not of ${kubernetesVersion}, which the profile has: ${others.map(({ pod, version }) => `${pod} (${version})`).join(", ")}`,
      hint: `slipway selfhost upgrade -p ${name} --to ${others[0]!.version}, or kubectl rollout undo`,
    });
  }
  const late = nodes.filter(({ kubelet }) => !isVersion(kubelet, kubernetesVersion));
  if (late.length > 0 && !upgrade) {
    odd.push({
      message: `kubelets of another version: ${late.map((node) => `${node.name} (${node.kubelet})`).join(", ")}`,
      hint: `slipway selfhost upgrade -p ${name} --to ${kubernetesVersion}`,
    });
  }
  for (const node of nodes.filter(({ ready }) => !ready)) {
    odd.push({
      message: `${node.name} is not Ready`,
      hint: `slipway logs -p ${name} -n ${node.name} --problems`,
    });
  }
  if (bootstrapper === "selfhosted" && !pods.some(({ component }) => component === checkpointerName)) {
    odd.push({
      message: "no pod-checkpointer: the control plane would not come back from a reboot of all its nodes",
      hint: `slipway start -p ${name}`,
    });
  }
  const ending = certificates.filter(({ daysLeft }) => daysLeft < soonDays);
  if (ending.length > 0) {
    odd.push({
      message: `end within ${soonDays} days: ${ending.map(({ secret, file }) => `${secret}/${file}`).join(", ")}`,
      hint: `slipway certs renew -p ${name}`,
    });
  }
  return odd;
}
