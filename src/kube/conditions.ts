import { type Condition, met, type Observation, unmet } from "../base/condition.js";
import { isSuccess, type KubeClient } from "./client.js";
import { readStatus } from "./failures.js";
import { type ObjectCondition, objectCondition } from "./wait.js";
import type {
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  EndpointSlice,
  KubeNode,
  ServiceAccount,
} from "./wire.js";

const inNamespace = (namespace: string) => `/api/v1/namespaces/${namespace}`;
const appsInNamespace = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}`;
const named = (name: string) => `metadata.name=${name}`;

/** The API server says that it is ready; last seen: which of its checks fail. */
export const apiReady = (): Condition<KubeClient> => healthy("readyz", "the API server is ready");

/** The API server says that it is alive: earlier than ready. */
export const apiAlive = (): Condition<KubeClient> => healthy("livez", "the API server is alive");

function healthy(endpoint: "readyz" | "livez", name: string): Condition<KubeClient> {
  return {
    name,
    async check(client, { signal }) {
      const response = await client.request({ path: `/${endpoint}`, query: { verbose: "" }, signal });
      if (isSuccess(response)) return met();
      // One line a check: `[+]ping ok`, `[-]etcd failed: reason withheld` (apiserver `healthz.go`).
      const failing = [...response.body.matchAll(/^\[-\](\S+)/gm)].map(([, check]) => check);
      const said = failing.length > 0 ? `not yet: ${firstFew(failing)}` : readStatus(response)?.message;
      return unmet(`${client.server}/${endpoint} → ${response.status}${said ? `: ${said}` : ""}`);
    },
  };
}

/** `a, b, c and 4 more` */
const firstFew = (names: readonly (string | undefined)[], count = 3): string =>
  names.slice(0, count).join(", ") + (names.length > count ? ` and ${names.length - count} more` : "");

export const nodeReady = (name: string): ObjectCondition<KubeNode> =>
  objectCondition(`node ${name} is Ready`, { path: "/api/v1/nodes", fieldSelector: named(name) }, (nodes) =>
    observeNode(name, nodes),
  );

/** All of these nodes are Ready. */
export const nodesReady = (names: readonly string[]): ObjectCondition<KubeNode> =>
  objectCondition(`${names.length} nodes are Ready`, { path: "/api/v1/nodes" }, (nodes) =>
    firstUnmet(names, (name) => observeNode(name, nodes)),
  );

function observeNode(name: string, nodes: readonly KubeNode[]): Observation {
  const node = nodes.find((candidate) => candidate.metadata?.name === name);
  if (!node) return unmet(`${name} has not registered`);
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return met();
  return unmet(`${name}: ${ready?.message ?? "its kubelet has not reported yet"}`);
}

/** The Deployment's current version has its pods, as `kubectl rollout status` means it. */
export const deploymentAvailable = (namespace: string, name: string): ObjectCondition<Deployment> =>
  objectCondition(
    `deployment ${namespace}/${name} is available`,
    { path: `${appsInNamespace(namespace)}/deployments`, fieldSelector: named(name) },
    ([deployment]) => {
      if (!deployment) return unmet("there is no such deployment");
      const { metadata, spec, status } = deployment;
      if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
        return unmet("not yet seen by its controller");
      const wanted = spec?.replicas ?? 1;
      const updated = status?.updatedReplicas ?? 0;
      const available = status?.availableReplicas ?? 0;
      if (updated >= wanted && available >= wanted) return met();
      const why = status?.conditions?.find(
        ({ type, status: state }) =>
          (type === "ReplicaFailure" && state === "True") || (type === "Progressing" && state === "False"),
      );
      return unmet(`${available} of ${wanted} pods are available${why?.message ? `: ${why.message}` : ""}`);
    },
  );

/** The DaemonSet has a ready pod of its current version on every node that it selects, on one at least. */
export const daemonSetReady = (namespace: string, name: string): ObjectCondition<DaemonSet> =>
  objectCondition(
    `daemon set ${namespace}/${name} is ready`,
    { path: `${appsInNamespace(namespace)}/daemonsets`, fieldSelector: named(name) },
    ([daemonSet]) => {
      if (!daemonSet) return unmet("there is no such daemon set");
      const { metadata, status } = daemonSet;
      if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
        return unmet("not yet seen by its controller");
      const wanted = status?.desiredNumberScheduled ?? 0;
      if (wanted === 0) return unmet("no node takes its pods");
      const ready = Math.min(status?.numberReady ?? 0, status?.updatedNumberScheduled ?? 0);
      return ready >= wanted ? met() : unmet(`${ready} of ${wanted} pods are ready`);
    },
  );

/** A Service has an address to send traffic to. */
export const serviceHasEndpoints = (namespace: string, name: string): ObjectCondition<EndpointSlice> =>
  objectCondition(
    `service ${namespace}/${name} has endpoints`,
    {
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      labelSelector: `kubernetes.io/service-name=${name}`,
    },
    (slices) => {
      const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
      // An endpoint without the condition is ready (discovery/v1 EndpointConditions).
      if (endpoints.some(({ conditions }) => conditions?.ready ?? true)) return met();
      return unmet(
        endpoints.length === 0 ? "it has no endpoints" : `none of its ${endpoints.length} endpoints is ready`,
      );
    },
  );

/** Pods can be made in a namespace: its default service account is there. */
export const defaultServiceAccount = (namespace = "default"): ObjectCondition<ServiceAccount> =>
  objectCondition(
    `service account ${namespace}/default exists`,
    { path: `${inNamespace(namespace)}/serviceaccounts`, fieldSelector: named("default") },
    ([account]) => (account ? met() : unmet("it has not been made yet")),
  );

/** These CustomResourceDefinitions are served. */
export const crdsEstablished = (names: readonly string[]): ObjectCondition<CustomResourceDefinition> =>
  objectCondition(
    `custom resources are served: ${names.join(", ")}`,
    { path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" },
    (definitions) =>
      firstUnmet(names, (name) => {
        const found = definitions.find(({ metadata }) => metadata?.name === name);
        const conditions = found?.status?.conditions ?? [];
        if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return met();
        const refusal = conditions.find(({ type, status }) => type === "NamesAccepted" && status === "False");
        return unmet(`${name}: ${refusal?.message ?? "not established yet"}`);
      }),
  );

/** The first of several observations that is not met; met when all are. */
export function firstUnmet<T>(items: readonly T[], observe: (item: T) => Observation): Observation {
  for (const item of items) {
    const seen = observe(item);
    if (!seen.met) return seen;
  }
  return met();
}
