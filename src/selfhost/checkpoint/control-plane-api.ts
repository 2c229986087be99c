import { readFile } from "node:fs/promises";
import { connect, type KubeClient } from "../../kube/client.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import type { DaemonSet, Deployment, KubeObject, Pod } from "../../kube/wire.js";
import { controlPlaneTier } from "../../plan/selfhosted/checkpointer.js";
import { identityNamespace } from "./known-cluster.js";
import { objectData, type Reference, type ReferencedObjects, referenceKey } from "./references.js";

/** What the API server says at one moment. */
export interface ApiSnapshot {
  /** Of the namespace that tells clusters apart; undefined: there is none. */
  clusterUid: string | undefined;
  pods: Pod[];
  daemonSets: DaemonSet[];
  deployments: Deployment[];
}

const timeoutMs = 5_000;

/** The API as the checkpointer uses it. Whoever replaces the kubeconfig's file is heard at the next call. */
export class ControlPlaneApi {
  readonly #kubeconfigPath: string;
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  #text = "";
  #client: KubeClient | undefined;

  constructor(kubeconfigPath: string, namespace: string, signal: AbortSignal) {
    this.#kubeconfigPath = kubeconfigPath;
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /** @throws {SlipwayError} `KUBECONFIG_INVALID`; the system's error when the file cannot be read */
  async client(): Promise<KubeClient> {
    const text = await readFile(this.#kubeconfigPath, "utf8");
    if (this.#client === undefined || text !== this.#text) {
      const client = connect(credentialsFromKubeconfig(text));
      this.#client?.close();
      this.#client = client;
      this.#text = text;
    }
    return this.#client;
  }

  /** @throws {SlipwayError} `API_UNREACHABLE`, `API_REFUSED` …: then the API server counts as away. */
  async snapshot(): Promise<ApiSnapshot> {
    // First and alone: an API server that refuses everything is heard to refuse the same each time.
    const clusterUid = await this.#clusterUid();
    const [pods, daemonSets, deployments] = await Promise.all([
      this.#list<Pod>("/api/v1", "pods", `${controlPlaneTier.key}=${controlPlaneTier.value}`),
      this.#list<DaemonSet>("/apis/apps/v1", "daemonsets"),
      this.#list<Deployment>("/apis/apps/v1", "deployments"),
    ]);
    return { clusterUid, pods, daemonSets, deployments };
  }

  revisions(): Promise<KubeObject[]> {
    return this.#list("/apis/apps/v1", "controllerrevisions");
  }

  replicaSets(): Promise<KubeObject[]> {
    return this.#list("/apis/apps/v1", "replicasets");
  }

  /** The data of objects; those that do not exist are left out. */
  async data(references: readonly Reference[]): Promise<ReferencedObjects> {
    const client = await this.client();
    const found = new Map<string, ReadonlyMap<string, Buffer>>();
    await Promise.all(
      references.map(async (reference) => {
        const { kind, name } = reference;
        const path = `/api/v1/namespaces/${this.#namespace}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
        const object = await client.find<Parameters<typeof objectData>[1]>(path, this.#options());
        if (object) found.set(referenceKey(reference), objectData(kind, object));
      }),
    );
    return found;
  }

  /** Read from etcd, which a list need not be: an API server that outlives etcd's data lists what it remembers. */
  async podUid(name: string): Promise<string | undefined> {
    const client = await this.client();
    const path = `/api/v1/namespaces/${this.#namespace}/pods/${encodeURIComponent(name)}`;
    return (await client.find<Pod>(path, this.#options()))?.metadata?.uid;
  }

  /** A JSON patch (RFC 6902) of a DaemonSet or Deployment. @throws {SlipwayError} `API_REFUSED` when a test fails */
  async patch(
    resource: "daemonsets" | "deployments",
    name: string,
    operations: readonly object[],
  ): Promise<void> {
    const client = await this.client();
    await client.call({
      method: "PATCH",
      path: `/apis/apps/v1/namespaces/${this.#namespace}/${resource}/${encodeURIComponent(name)}`,
      contentType: "application/json-patch+json",
      body: operations,
      ...this.#options(),
    });
  }

  /** Makes a Kubernetes Event about an object of the namespace. */
  async event(
    about: EventSubject,
    event: { reason: string; message: string; type: "Normal" | "Warning" },
  ): Promise<void> {
    const client = await this.client();
    const now = new Date().toISOString();
    await client.call({
      method: "POST",
      path: `/api/v1/namespaces/${this.#namespace}/events`,
      body: {
        apiVersion: "v1",
        kind: "Event",
        metadata: { generateName: `${about.name}.`, namespace: this.#namespace },
        involvedObject: { namespace: this.#namespace, ...about },
        ...event,
        message: event.message.slice(0, 1024), // the API's limit
        source: { component: "pod-checkpointer" },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
      ...this.#options(),
    });
  }

  close(): void {
    this.#client?.close();
  }

  async #clusterUid(): Promise<string | undefined> {
    const client = await this.client();
    const namespace = await client.find<KubeObject>(
      `/api/v1/namespaces/${identityNamespace}`,
      this.#options(),
    );
    return namespace?.metadata?.uid;
  }

  async #list<T>(group: string, plural: string, labelSelector?: string): Promise<T[]> {
    const client = await this.client();
    const path = `${group}/namespaces/${this.#namespace}/${plural}`;
    const { items } = await client.list<T>(
      { path, ...(labelSelector === undefined ? {} : { labelSelector }) },
      this.#options(),
    );
    return items;
  }

  #options() {
    return { timeoutMs, signal: this.#signal };
  }
}

export interface EventSubject {
  apiVersion: string;
  kind: string;
  name: string;
  uid?: string | undefined;
}
