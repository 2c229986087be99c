import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Condition, waitFor } from "../../../src/base/condition.js";
import { isSlipwayError, type SlipwayError } from "../../../src/base/errors.js";
import type { EventBody } from "../../../src/base/events.js";
import { applyObjects } from "../../../src/kube/apply.js";
import { connect, type KubeClient } from "../../../src/kube/client.js";
import {
  apiAlive,
  apiReady,
  daemonSetReady,
  defaultServiceAccount,
  deploymentAvailable,
  nodeReady,
  nodesReady,
  serviceHasEndpoints,
} from "../../../src/kube/conditions.js";
import { statusOf } from "../../../src/kube/failures.js";
import { appsRunning, podsReady } from "../../../src/kube/pod-conditions.js";
import { type ObjectCondition, waitForObject, waitForObjects } from "../../../src/kube/wait.js";
import { watchObjects } from "../../../src/kube/watch.js";
import type { KubeObject, Manifest } from "../../../src/kube/wire.js";
import { createAuthority } from "../../../src/pki/authority.js";
import { findBinaries } from "./binaries.js";
import { type ControlPlane, startControlPlane, untilReady } from "./control-plane.js";
import { configMap } from "./objects.js";

let plane: ControlPlane;
let client: KubeClient;
const seenWhileStarting: EventBody[] = [];

beforeAll(async () => {
  plane = await startControlPlane(await findBinaries());
  client = connect(plane.admin);
  await waitFor(apiReady(), client, {
    timeoutMs: 120_000,
    events: (event) => seenWhileStarting.push(event),
  });
});
afterAll(async () => {
  client?.close();
  await plane?.[Symbol.asyncDispose]();
});

const soon = (what: () => Promise<unknown>, ms = 200) => {
  setTimeout(() => void what(), ms);
};

/** Changes a status, as the component that owns it would. */
const report = (path: string, status: object) =>
  client.call({
    method: "PATCH",
    path: `${path}/status`,
    contentType: "application/merge-patch+json",
    body: { status },
  });

/** What a look and a short wait say of a condition that is not met. */
async function lastSeen<T extends KubeObject>(condition: ObjectCondition<T>): Promise<string> {
  const failure = (await waitForObjects(condition, client, { timeoutMs: 300 }).catch(
    (e) => e,
  )) as SlipwayError;
  const looked = await condition.check(client, { signal: AbortSignal.timeout(5_000) });
  expect(looked.met ? "met" : looked.lastSeen).toBe(failure.details["last seen"]);
  return failure.details["last seen"]!;
}

const isMet = (condition: Condition<KubeClient>) =>
  condition.check(client, { signal: AbortSignal.timeout(5_000) }).then(({ met }) => met);

test("while it starts, the API server's checks that fail are named", () => {
  const said = seenWhileStarting.map((event) => ("lastSeen" in event ? event.lastSeen : "")).join("\n");
  expect(said).toContain("ECONNREFUSED");
  expect(said).toMatch(/readyz → 500: .*poststarthook\//);
});

test("alive and ready", async () => {
  expect(await isMet(apiAlive())).toBe(true);
  expect(await isMet(apiReady())).toBe(true);
});

describe("conditions", () => {
  const pod = (name: string, labels: Record<string, string>): Manifest => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "kube-system", labels },
    spec: { automountServiceAccountToken: false, containers: [{ name: "c", image: "example/none:1" }] },
  });
  const ready = { conditions: [{ type: "Ready", status: "True" }] };

  test("default service account", async () => {
    expect(await lastSeen(defaultServiceAccount())).toBe("it has not been made yet");
    soon(() =>
      applyObjects(client, [
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } },
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "kube-system" } },
      ]),
    );
    await waitForObjects(defaultServiceAccount(), client, { timeoutMs: 10_000 });
    await waitForObjects(defaultServiceAccount("kube-system"), client, { timeoutMs: 10_000 });
  });

  test("nodes", async () => {
    expect(await lastSeen(nodeReady("n1"))).toBe("n1 has not registered");
    await applyObjects(client, [{ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } }]);
    expect(await lastSeen(nodeReady("n1"))).toBe("n1: its kubelet has not reported yet");
    await report("/api/v1/nodes/n1", {
      conditions: [{ type: "Ready", status: "False", message: "container runtime network not ready" }],
    });
    expect(await lastSeen(nodesReady(["n1", "n2"]))).toBe("n1: container runtime network not ready");
    soon(() => report("/api/v1/nodes/n1", ready));
    await waitForObjects(nodeReady("n1"), client, { timeoutMs: 10_000 });
    expect(await lastSeen(nodesReady(["n1", "n2"]))).toBe("n2 has not registered");
  });

  test("deployment", async () => {
    const condition = deploymentAvailable("default", "app");
    const path = "/apis/apps/v1/namespaces/default/deployments/app";
    expect(await lastSeen(condition)).toBe("there is no such deployment");
    const template = { metadata: { labels: { app: "app" } }, spec: pod("", {}).spec };
    const deployment = (replicas: number): Manifest => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "app" },
      spec: { replicas, selector: { matchLabels: { app: "app" } }, template },
    });
    await applyObjects(client, [deployment(2)]);
    expect(await lastSeen(condition)).toBe("not yet seen by its controller");
    await report(path, {
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 1,
      availableReplicas: 1,
    });
    expect(await lastSeen(condition)).toBe("1 of 2 pods are available");
    soon(() => report(path, { availableReplicas: 2, readyReplicas: 2 }));
    await waitForObjects(condition, client, { timeoutMs: 10_000 });
    await applyObjects(client, [deployment(3)]);
    expect(await lastSeen(condition)).toBe("not yet seen by its controller");
  });

  test("daemon set", async () => {
    const condition = daemonSetReady("default", "agent");
    const path = "/apis/apps/v1/namespaces/default/daemonsets/agent";
    await applyObjects(client, [
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "agent" },
        spec: {
          selector: { matchLabels: { app: "agent" } },
          template: { metadata: { labels: { app: "agent" } }, spec: pod("", {}).spec },
        },
      },
    ]);
    const counts = (desired: number, numberReady: number) => ({
      observedGeneration: 1,
      currentNumberScheduled: desired,
      numberMisscheduled: 0,
      desiredNumberScheduled: desired,
      numberReady,
      updatedNumberScheduled: desired,
    });
    await report(path, counts(0, 0));
    expect(await lastSeen(condition)).toBe("no node takes its pods");
    await report(path, counts(2, 1));
    expect(await lastSeen(condition)).toBe("1 of 2 pods are ready");
    await report(path, counts(2, 2));
    expect(await isMet(condition)).toBe(true);
  });

  test("pods and system applications", async () => {
    const condition = podsReady({ namespace: "kube-system", labelSelector: "k8s-app=dns" }, { atLeast: 2 });
    expect(await lastSeen(condition)).toBe("there are no such pods yet");
    await applyObjects(client, [pod("dns-1", { "k8s-app": "dns" })]);
    expect(await lastSeen(condition)).toBe("1 of 2 pods exist");
    await applyObjects(client, [pod("dns-2", { "k8s-app": "dns" })]);
    await report("/api/v1/namespaces/kube-system/pods/dns-1", { ...ready, phase: "Running" });
    await report("/api/v1/namespaces/kube-system/pods/dns-2", {
      phase: "Pending",
      containerStatuses: [
        {
          name: "c",
          ready: false,
          restartCount: 0,
          image: "example/none:1",
          imageID: "",
          state: { waiting: { reason: "ErrImagePull", message: "no such host" } },
        },
      ],
    });
    expect(await lastSeen(condition)).toBe("pod dns-2 is Pending: ErrImagePull: no such host");
    expect(await lastSeen(appsRunning(["proxy", "dns"]))).toBe("proxy: there are no such pods yet");
    soon(() => report("/api/v1/namespaces/kube-system/pods/dns-2", { ...ready, phase: "Running" }));
    await waitForObjects(condition, client, { timeoutMs: 10_000 });
    expect(await isMet(appsRunning(["dns"]))).toBe(true);
  });

  test("service endpoints", async () => {
    const condition = serviceHasEndpoints("default", "web");
    expect(await lastSeen(condition)).toBe("it has no endpoints");
    const slice = (isReady: boolean): Manifest => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["192.0.2.1"], conditions: { ready: isReady } }],
    });
    await applyObjects(client, [slice(false)]);
    expect(await lastSeen(condition)).toBe("none of its 1 endpoints is ready");
    await applyObjects(client, [slice(true)]);
    expect(await isMet(condition)).toBe(true);
  });
});

describe("waiting", () => {
  const path = (name: string) => `/api/v1/namespaces/default/configmaps/${name}`;
  const hasValue = (value: string) => (object: KubeObject & { data?: Record<string, string> }) =>
    object.data?.key === value;

  test("a change is seen when it happens, and the object given back", async () => {
    await applyObjects(client, [configMap("default", "seen", { key: "old" })]);
    const waiting = waitForObject(client, path("seen"), hasValue("new"), { timeoutMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await applyObjects(client, [configMap("default", "seen", { key: "new" })]);
    const changed = performance.now();
    expect(await waiting).toMatchObject({ metadata: { name: "seen" }, data: { key: "new" } });
    expect(performance.now() - changed).toBeLessThan(150); // a tick, at which nothing is asked, is 200
  });

  test("goes on when the API server is killed and comes back", async () => {
    await applyObjects(client, [configMap("default", "kept", { key: "old" })]);
    const waiting = waitForObject(client, path("kept"), hasValue("new"), { timeoutMs: 120_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await plane.stopApiServer();
    plane.startApiServer();
    await untilReady(plane);
    await applyObjects(client, [configMap("default", "kept", { key: "new" })]);
    await waiting;
  });

  test("a version that is too old is an error to list again after", async () => {
    const events = watchObjects(
      client,
      { path: "/api/v1/configmaps" },
      {
        resourceVersion: "1",
        signal: AbortSignal.timeout(20_000),
      },
    );
    const failure = await events.next().catch((error: unknown) => error);
    expect(statusOf(failure), String(failure)).toBe(410);
  });

  test("a time-out says what was last seen, an abort ends it", async () => {
    const waiting = () => waitForObject(client, path("never"), () => true, { timeoutMs: 200 });
    const failure = (await waiting().catch((e) => e)) as SlipwayError;
    expect(failure.code).toBe("TIMED_OUT");
    expect(failure.details["last seen"]).toBe("there is no such object");
    const signal = AbortSignal.timeout(100);
    const aborted = waitForObject(client, path("never"), () => true, { timeoutMs: 60_000, signal });
    await expect(aborted).rejects.toSatisfy((reason) => reason === signal.reason);
  });
});

describe("no answer", () => {
  test("nobody listens", async () => {
    await using nobody = connect({ ...plane.admin, server: "https://127.0.0.1:1" });
    const failure = (await nobody.get("/api/v1/nodes").catch((e) => e)) as SlipwayError;
    expect(failure.code).toBe("API_UNREACHABLE");
    expect(failure.message).toContain("ECONNREFUSED");
    expect(failure.details).toEqual({ server: "https://127.0.0.1:1", request: "GET /api/v1/nodes" });
  });

  test("somebody listens and says nothing", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await using client = connect({ ...plane.admin, server: `https://127.0.0.1:${port}` });
    const failure = (await client.get("/x", { timeoutMs: 200 }).catch((e) => e)) as SlipwayError;
    expect(failure.message).toContain("no answer within 200 ms");
    server.close();
  });

  test("somebody else's certificate", async () => {
    const { certificatePem } = createAuthority("other", { now: new Date(), years: 1 });
    await using stranger = connect({ ...plane.admin, caPem: certificatePem });
    const failure = await stranger.get("/api/v1/nodes").catch((e) => e);
    expect(isSlipwayError(failure, "CERTIFICATE_INVALID"), String(failure)).toBe(true);
  });

  test("a closed client refuses", async () => {
    const closed = connect(plane.admin);
    const answer = closed.get("/version");
    closed.close();
    await expect(answer).rejects.toSatisfy((e) => isSlipwayError(e, "API_UNREACHABLE"));
  });
});
