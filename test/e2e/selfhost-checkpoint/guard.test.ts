import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { applyObjects } from "../../../src/kube/apply.js";
import { connect, type KubeClient } from "../../../src/kube/client.js";
import type { DaemonSet, KubeObject, Manifest } from "../../../src/kube/wire.js";
import { ControlPlaneApi } from "../../../src/selfhost/checkpoint/control-plane-api.js";
import { Guard } from "../../../src/selfhost/checkpoint/guard-runner.js";
import type { CheckpointerOptions, LogEntry } from "../../../src/selfhost/checkpoint/options.js";
import { findBinaries } from "../kube/binaries.js";
import { type ControlPlane, startControlPlane, untilReady } from "../kube/control-plane.js";
import { rights, writeKubeconfig } from "./kubeconfig.js";

// The guard against a real API server, as the checkpointer's own user with its own rights. What the controller manager and a
// kubelet would write is written here.
let controlPlane: ControlPlane;
let admin: KubeClient;
let kubeconfig: string;
let nodes: Node[];

beforeAll(async () => {
  controlPlane = await startControlPlane(await findBinaries());
  await untilReady(controlPlane);
  admin = connect(controlPlane.admin);
  kubeconfig = await writeKubeconfig(controlPlane);
  // Else the controller manager's work.
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
  nodes = [guard(), guard(), guard()];
  await applyObjects(admin, [account, ...rights(), daemonSet("good")]);
});
afterAll(async () => {
  admin.close();
  await controlPlane[Symbol.asyncDispose]();
});

const namespace = "kube-system";
const name = "kube-apiserver";
const path = `/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`;

const template = (image: string) => ({
  metadata: {
    labels: { "k8s-app": name, tier: "control-plane" },
    annotations: { "checkpointer.alpha.coreos.com/checkpoint": "true" },
  },
  spec: { automountServiceAccountToken: false, containers: [{ name: "main", image }] },
});
const daemonSet = (image: string): Manifest => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name, namespace },
  spec: { selector: { matchLabels: { "k8s-app": name } }, template: template(image) },
});

const current = () => admin.get<DaemonSet>(path);
const imageNow = async () => (await current()).spec?.template.spec?.containers[0]?.image;

async function patch(at: string, body: object): Promise<void> {
  await admin.call({ method: "PATCH", path: at, contentType: "application/merge-patch+json", body });
}

/** What the DaemonSet controller and a kubelet make of a revision. */
async function rollOut(revision: number, image: string, status: object): Promise<void> {
  const { metadata } = await current();
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name, uid: metadata?.uid, controller: true };
  const labels = { "controller-revision-hash": image };
  await applyObjects(admin, [
    {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: { name: `${name}-${image}`, namespace, labels, ownerReferences: [owner] },
      revision,
      data: { spec: { template: { ...template(image), $patch: "replace" } } },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${name}-${image}`,
        namespace,
        labels: { ...template(image).metadata.labels, ...labels },
        annotations: template(image).metadata.annotations,
        ownerReferences: [owner],
      },
      spec: { nodeName: "node-1", ...template(image).spec },
    },
  ]);
  await patch(`/api/v1/namespaces/${namespace}/pods/${name}-${image}/status`, { status });
  await patch(`${path}/status`, {
    status: {
      observedGeneration: metadata?.generation,
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      numberMisscheduled: 0,
      numberReady: 1,
    },
  });
}

interface Node {
  look(): Promise<void>;
  log: LogEntry[];
}

/** A guard as on a node of its own. */
function guard(): Node {
  const log: LogEntry[] = [];
  const signal = new AbortController().signal;
  const api = new ControlPlaneApi(kubeconfig, namespace, signal);
  const options = {
    rollbackAfterMs: 500,
    promoteAfterMs: 1_000,
    maxRollbacks: 2,
    namespace,
    clock: systemClock,
    log: (entry: LogEntry) => log.push(entry),
    signal,
  } as unknown as CheckpointerOptions;
  const guard = new Guard(options, api);
  return { look: async () => guard.look(await api.snapshot()), log };
}

const ready = {
  phase: "Running",
  conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  containerStatuses: [
    {
      name: "main",
      image: "i",
      imageID: "i",
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
    },
  ],
};
const failing = {
  phase: "Pending",
  containerStatuses: [
    {
      name: "main",
      image: "i",
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: "ImagePullBackOff" } },
    },
  ],
};

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const allLook = () => Promise.all(nodes.map((node) => node.look()));
const logged = (message: string) =>
  nodes.flatMap(({ log }) => log).filter((entry) => entry.message === message);

test("a revision that runs well is called good, by one of several", async () => {
  await rollOut(1, "good", ready);
  await allLook();
  expect(logged("good")).toHaveLength(1);
  expect((await current()).metadata?.annotations?.["slipway.dev/last-good-revision"]).toBe("good");
});

test.each([1, 2])("a failing rollout is undone by one of several, with an Event: time %i", async (time) => {
  await applyObjects(admin, [daemonSet("bad")]);
  await admin.request({
    method: "DELETE",
    path: `/api/v1/namespaces/${namespace}/pods/${name}-good`,
    query: { gracePeriodSeconds: "0" },
  });
  await rollOut(2 * time, "bad", failing);
  await allLook();
  await sleep(700);
  await allLook();
  expect(nodes.flatMap(({ log }) => log).filter(({ message }) => message.startsWith("trouble"))).toEqual([]);
  expect(logged("roll back")).toHaveLength(time);
  expect(await imageNow()).toBe("good");
  const { metadata } = await current();
  expect(JSON.parse(metadata?.annotations?.["slipway.dev/rollbacks"] ?? "")).toEqual({ bad: time });
  expect(metadata?.annotations?.["slipway.dev/rolled-back"]).toContain("ImagePullBackOff");
  const { items } = await admin.list<KubeObject & { reason?: string }>({
    path: `/api/v1/namespaces/${namespace}/events`,
  });
  expect(items.filter(({ reason }) => reason === "RolledBack")).toHaveLength(time);
  await admin.request({
    method: "DELETE",
    path: `/api/v1/namespaces/${namespace}/pods/${name}-bad`,
    query: { gracePeriodSeconds: "0" },
  });
  await rollOut(2 * time + 1, "good", ready);
  await allLook();
});

test("who sets it a third time means it", async () => {
  await applyObjects(admin, [daemonSet("bad")]);
  await rollOut(6, "bad", failing);
  await allLook();
  await sleep(700);
  await allLook();
  await allLook();
  expect(logged("roll back")).toHaveLength(2);
  expect(await imageNow()).toBe("bad");
  // Each node's guard says it, once.
  expect(logged("give up")).toHaveLength(3);
});
