import type { IgnitionConfig } from "../ignition/config.js";
import type { CertificateRequest } from "../pki/certificate.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { addons } from "./addons/addons.js";
import { flannelObjects } from "./addons/flannel.js";
import { rbacObjects } from "./addons/rbac.js";
import { type NodeAddress, nodeAddresses } from "./addresses.js";
import { authorities, planCertificates } from "./certificates.js";
import type { PlatformFacts } from "./facts.js";
import type { KubeObject } from "./kube-object.js";
import type { KubeconfigRequest } from "./kubeconfig-request.js";
import { planKubeconfigs } from "./kubeconfigs.js";
import { planNodeConfig } from "./node-config.js";
import { nodeObject } from "./node-object.js";
import { type BootstrapPod, bootstrapPods } from "./selfhosted/bootstrap.js";
import { selfhostedObjects } from "./selfhosted/objects.js";
import { selfhostedSettings } from "./selfhosted/plan.js";
import { proxyObjects } from "./selfhosted/proxy.js";

/** What follows from a ClusterSpec, computed without touching anything. */
export interface ClusterPlan {
  apiVersion: "slipway.dev/v1alpha1";
  kind: "ClusterPlan";
  spec: ClusterSpec;
  facts: PlatformFacts;
  authorities: { name: string; commonName: string }[];
  certificates: CertificateRequest[];
  kubeconfigs: KubeconfigRequest[];
  nodes: PlannedNode[];
  /** Static pods of the first node until the control plane is self-hosted. */
  bootstrap?: BootstrapPod[];
  /** Applied in this order. */
  objects: PlannedObjects[];
}

export interface PlannedNode extends NodeAddress {
  /** Secrets stand in it by name (`slipway:…`); see secrets.ts. */
  config: IgnitionConfig;
}

export interface PlannedObjects {
  /** An add-on's name, or `rbac`, `nodes`, `control-plane`, `cni`. */
  name: string;
  objects: KubeObject[];
}

/**
 * Pure: the same spec, facts and manifest give the same plan.
 *
 * @param manifest the objects of the CNI manifest that the spec names; for those who need the plan's objects
 */
export function planCluster(
  spec: ClusterSpec,
  facts: PlatformFacts,
  manifest: readonly KubeObject[] = [],
): ClusterPlan {
  const nodes = nodeAddresses(spec);
  const selfhosted = spec.bootstrapper === "selfhosted" ? selfhostedSettings(spec) : undefined;
  return {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "ClusterPlan",
    spec,
    facts,
    authorities: authorities.map(({ name, commonName }) => ({ name, commonName })),
    certificates: planCertificates(spec, nodes),
    kubeconfigs: planKubeconfigs(spec),
    nodes: nodes.map((node) => ({ ...node, config: planNodeConfig(spec, node, facts) })),
    ...(selfhosted ? { bootstrap: bootstrapPods(selfhosted) } : {}),
    objects: [
      { name: "rbac", objects: rbacObjects() },
      { name: "nodes", objects: nodes.map((node) => nodeObject(spec, node)) },
      ...(selfhosted ? [{ name: "control-plane", objects: selfhostedObjects(selfhosted) }] : []),
      ...(spec.bootstrapper === "static"
        ? [{ name: "control-plane", objects: proxyObjects(selfhostedSettings(spec)) }]
        : []),
      ...cniObjects(spec, manifest),
      ...addons
        .filter(({ name }) => spec.addons.includes(name))
        .map(({ name, objects }) => ({ name, objects: objects(spec, facts) })),
    ],
  };
}

function cniObjects(spec: ClusterSpec, manifest: readonly KubeObject[]): PlannedObjects[] {
  const objects = spec.network.cni === "flannel" ? flannelObjects(spec) : [...manifest];
  return objects.length > 0 ? [{ name: "cni", objects }] : [];
}

/** Of a control plane that is objects of the cluster. */
export const controlPlaneObjects = (plan: ClusterPlan): KubeObject[] =>
  plan.objects.filter(({ name }) => name === "control-plane").flatMap(({ objects }) => objects);
