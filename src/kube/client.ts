import { SlipwayError } from "../base/errors.js";
import { Connection } from "./connection.js";
import type { KubeCredentials } from "./credentials.js";
import { refused } from "./failures.js";
import type { KubeRequest, KubeResponse, KubeStream, Query } from "./request.js";

export interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Which objects of a collection. */
export interface ObjectSelector {
  /** The collection's path: `/api/v1/nodes`, `/api/v1/namespaces/kube-system/pods`. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface ObjectList<T> {
  items: T[];
  /** Where a watch goes on. */
  resourceVersion: string;
}

/** Access to one API server. Makes no connection before the first request; `close()` ends what is in flight. */
export class KubeClient implements AsyncDisposable {
  readonly server: string;
  readonly #connection: Connection;

  constructor(credentials: KubeCredentials) {
    this.server = credentials.server;
    this.#connection = new Connection(credentials);
  }

  /**
   * One request, one answer, whatever its status is.
   *
   * @throws {SlipwayError} `API_UNREACHABLE`, `CERTIFICATE_INVALID`; the signal's reason when aborted.
   */
  request(request: KubeRequest): Promise<KubeResponse> {
    return this.#connection.request(request);
  }

  /** As `request`, but the body is handed over while it comes. */
  stream(request: KubeRequest): Promise<KubeStream> {
    return this.#connection.stream(request);
  }

  /**
   * A request that must succeed; gives back the JSON of the answer.
   *
   * @throws {SlipwayError} as `request`; `API_REFUSED` with method, path, status, and what the API said.
   */
  async call<T>(request: KubeRequest): Promise<T> {
    const response = await this.request(request);
    if (!isSuccess(response)) throw refused(request, response);
    return parse<T>(request, response);
  }

  /** @throws {SlipwayError} as `call`. */
  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.call<T>({ path, ...options });
  }

  /** As `get`; undefined when there is no such object. */
  async find<T>(path: string, options: CallOptions = {}): Promise<T | undefined> {
    const request: KubeRequest = { path, ...options };
    const response = await this.request(request);
    if (response.status === 404) return undefined;
    if (!isSuccess(response)) throw refused(request, response);
    return parse<T>(request, response);
  }

  /** @throws {SlipwayError} as `call`. */
  async list<T>(select: ObjectSelector, options: CallOptions = {}): Promise<ObjectList<T>> {
    const list = await this.call<{ items?: T[] | null; metadata: { resourceVersion?: string } }>({
      path: select.path,
      query: selectorQuery(select),
      ...options,
    });
    return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion ?? "" };
  }

  close(): void {
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** A client for the API server that the credentials name. `credentialsFromKubeconfig` reads them from a kubeconfig. */
export const connect = (credentials: KubeCredentials): KubeClient => new KubeClient(credentials);

export const isSuccess = ({ status }: KubeResponse): boolean => status >= 200 && status < 300;

export const selectorQuery = ({ labelSelector, fieldSelector }: ObjectSelector): Query => ({
  labelSelector,
  fieldSelector,
});

function parse<T>(request: KubeRequest, { body }: KubeResponse): T {
  try {
    return JSON.parse(body) as T;
  } catch (cause) {
    throw new SlipwayError(
      "API_REFUSED",
      "the answer is not JSON: something else than an API server answers",
      {
        details: { request: `${request.method ?? "GET"} ${request.path}` },
        cause,
      },
    );
  }
}
