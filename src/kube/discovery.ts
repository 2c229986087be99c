import { SlipwayError } from "../base/errors.js";
import type { CallOptions, KubeClient } from "./client.js";
import { builtInResource, groupVersionPath, type Resource } from "./resources.js";
import type { ResourceList } from "./wire.js";

/** Knows where kinds live: built-in ones from a table, learned ones, and the rest by asking the API server once. */
export class ResourceMap {
  readonly #client: KubeClient;
  readonly #known = new Map<string, Resource>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Adds resources that are about to exist: those of CustomResourceDefinitions that were just applied. */
  learn(resources: Iterable<[string, Resource]>): void {
    for (const [key, resource] of resources) this.#known.set(key, resource);
  }

  /** @throws {SlipwayError} `API_REFUSED` (status 404) when the API server has no such kind. */
  async find(apiVersion: string, kind: string, options: CallOptions = {}): Promise<Resource> {
    const key = `${apiVersion}/${kind}`;
    const known = builtInResource(apiVersion, kind) ?? this.#known.get(key);
    if (known) return known;
    const path = groupVersionPath(apiVersion);
    const list = await this.#client.find<ResourceList>(path, options);
    for (const { kind: found, name, namespaced } of list?.resources ?? []) {
      // `deployments/status` and the like are subresources.
      if (!name.includes("/"))
        this.#known.set(`${apiVersion}/${found}`, { apiVersion, plural: name, namespaced });
    }
    const resource = this.#known.get(key);
    if (resource) return resource;
    throw new SlipwayError("API_REFUSED", `the API server has no kind ${kind} in ${apiVersion}`, {
      details: { request: `GET ${path}`, status: "404" },
      hint: "apply its CustomResourceDefinition first",
    });
  }
}
