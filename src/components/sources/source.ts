import type { Context } from "../../base/context.js";
import type { Component } from "../catalog-entry.js";
import type { ComponentRef, Provenance, StoredComponent } from "../component.js";
import type { Produced } from "../store.js";
import type { HttpClient } from "./http.js";

/** One file to get. */
export interface FetchRequest {
  component: Component;
  /** To write; its directory exists and is this request's own, with what an interrupted run left in it. */
  destination: string;
}

/** One kind of place that components come from. */
export interface Source {
  readonly kind: Provenance["source"];
  /**
   * Under what the component is got here: what has the same key is got together, in one `fetch`. undefined: this source
   * does not have such a thing.
   */
  groupOf(component: Component): string | undefined;
  /**
   * Writes all of a group's files, verified as far as the source publishes hashes, and says where they came from, in the
   * order of the requests.
   * @throws why not; the next source is asked then. `DISK_FULL` and an abort end everything.
   */
  fetch(requests: readonly FetchRequest[], run: SourceRun): Promise<Produced[]>;
}

/** What all sources share in one call of `ensureComponents`. */
export interface SourceRun {
  context: Context;
  http: HttpClient;
  /** At most so many downloads at once. */
  downloads: <T>(work: () => Promise<T>) => Promise<T>;
  /** At most so many builds at once. */
  builds: <T>(work: () => Promise<T>) => Promise<T>;
  /** Gets what a component is made of. */
  ensure(refs: readonly ComponentRef[]): Promise<Map<string, StoredComponent>>;
}
