import { createHash } from "node:crypto";
import { SlipwayError } from "../../base/errors.js";
import type { KubeObject } from "../kube-object.js";

interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: Record<string, unknown>;
}

/**
 * The ReplicaSet and the first pod of a Deployment, as its controllers would make them, with the pod on a node already.
 *
 * In a new cluster names resolve only when the controller manager and the scheduler are up and have made this pod: two
 * seconds after a kubelet could have started it. Made beforehand, both are adopted: the deployment controller takes over a
 * ReplicaSet with its own template (`FindNewReplicaSet` compares all but the hash), and that one the pod.
 */
export function firstPod(deployment: KubeObject, node: string): KubeObject[] {
  const { namespace, name } = deployment.metadata;
  const { selector, template } = deployment.spec as {
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate;
  };
  if (namespace === undefined) throw new SlipwayError("INTERNAL", `the deployment ${name} has no namespace`);
  const hash = createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 10);
  const hashLabel = { "pod-template-hash": hash };
  const labels = { ...template.metadata.labels, ...hashLabel };
  return [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: `${name}-${hash}`, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: { ...selector.matchLabels, ...hashLabel } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `${name}-${hash}-first`, namespace, labels },
      spec: { ...template.spec, nodeName: node },
    },
  ];
}

/** The authority that pods trust, as the controller manager publishes it in every namespace: a pod does not start without. */
export const rootCaObject = (namespace: string, caPem: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-root-ca.crt", namespace },
  data: { "ca.crt": caPem },
});
