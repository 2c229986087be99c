import { credentials, loadPackageDefinition, type ServiceError } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { SandboxIdentity } from "./workload.js";

type Namespace = Parameters<typeof fromJSON>[0];
type Field = { type: string; id: number; rule?: string; keyType?: string };

const scalar = (type: string, id: number): Field => ({ type, id });
const repeated = (type: string, id: number): Field => ({ rule: "repeated", type, id });
const stringMap = (id: number): Field => ({ keyType: "string", type: "string", id });
const message = (fields: Record<string, Field> = {}) => ({ fields });
const method = (name: string) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  comment: "", // protobufjs's type wants one
});

/**
 * What we ask of the Container Runtime Interface v1 (k8s.io/cri-api, pkg/apis/runtime/v1/api.proto), with the fields that we
 * read and no others: protobuf skips the rest.
 */
const runtimeV1: NonNullable<Namespace["nested"]> = {
  VersionRequest: message({ version: scalar("string", 1) }),
  VersionResponse: message({ runtime_name: scalar("string", 2), runtime_version: scalar("string", 3) }),
  ListPodSandboxRequest: message({ filter: scalar("PodSandboxFilter", 1) }),
  PodSandboxFilter: message({ state: scalar("PodSandboxStateValue", 2) }),
  PodSandboxStateValue: message({ state: scalar("int32", 1) }),
  ListPodSandboxResponse: message({ items: repeated("PodSandbox", 1) }),
  PodSandbox: message({ id: scalar("string", 1), labels: stringMap(5), annotations: stringMap(6) }),
  ListContainersRequest: message({ filter: scalar("ContainerFilter", 1) }),
  ContainerFilter: message({ state: scalar("ContainerStateValue", 2) }),
  ContainerStateValue: message({ state: scalar("int32", 1) }),
  ListContainersResponse: message({ containers: repeated("Container", 1) }),
  Container: message({ pod_sandbox_id: scalar("string", 2) }),
  RuntimeService: {
    methods: Object.fromEntries(
      ["Version", "ListPodSandbox", "ListContainers"].map((name) => [name, method(name)]),
    ),
  },
};

const sandboxReady = 0;
const containerRunning = 1;

/** A pod on this node as the container runtime has it. */
export interface RunningSandbox extends SandboxIdentity {
  uid: string;
  /** How many of its containers run. */
  running: number;
}

/** The container runtime of this node, asked over its socket. */
export interface ContainerRuntime {
  /** The pods whose sandbox is ready. @throws when the runtime does not answer. */
  sandboxes(): Promise<RunningSandbox[]>;
  /** @throws when the runtime does not answer. */
  version(): Promise<string>;
  close(): void;
}

type Call = (
  request: object,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: never) => void,
) => void;

/** @param endpoint `unix:///run/containerd/containerd.sock` */
export function connectRuntime(endpoint: string, timeoutMs = 5_000): ContainerRuntime {
  const definition = fromJSON(
    { nested: { runtime: { nested: { v1: { nested: runtimeV1 } } } } },
    { defaults: true, arrays: true, objects: true, keepCase: true },
  );
  const loaded = loadPackageDefinition(definition) as unknown as {
    runtime: { v1: { RuntimeService: new (...args: unknown[]) => Record<string, Call> & { close(): void } } };
  };
  const client = new loaded.runtime.v1.RuntimeService(endpoint, credentials.createInsecure(), {
    // A runtime that was restarted is asked again soon.
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
  });
  const call = <Answer>(name: string, request: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      client[name]?.(request, { deadline: Date.now() + timeoutMs }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
    });
  return {
    async sandboxes() {
      const [{ items }, { containers }] = await Promise.all([
        call<{ items: ({ id: string } & SandboxIdentity)[] }>("ListPodSandbox", {
          filter: { state: { state: sandboxReady } },
        }),
        call<{ containers: { pod_sandbox_id: string }[] }>("ListContainers", {
          filter: { state: { state: containerRunning } },
        }),
      ]);
      return items.map(({ id, labels, annotations }) => ({
        labels,
        annotations,
        uid: labels["io.kubernetes.pod.uid"] ?? "",
        running: containers.filter(({ pod_sandbox_id }) => pod_sandbox_id === id).length,
      }));
    },
    async version() {
      const answer = await call<{ runtime_name: string; runtime_version: string }>("Version", {
        version: "v1",
      });
      return `${answer.runtime_name} ${answer.runtime_version}`;
    },
    close: () => client.close(),
  };
}
