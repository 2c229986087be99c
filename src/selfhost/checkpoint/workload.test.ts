import { expect, test } from "vitest";
import { roleOfSandbox, workloadOfPod } from "./workload.js";

const annotated = { "checkpointer.alpha.coreos.com/checkpoint": "true" };
const ownedBy = (kind: string, name: string) => [
  { apiVersion: "apps/v1", kind, name, uid: "u", controller: true },
];

test("pods of a DaemonSet and of a Deployment belong to it", () => {
  const ofDaemonSet = {
    name: "kube-apiserver-x2x4z",
    namespace: "kube-system",
    annotations: annotated,
    ownerReferences: ownedBy("DaemonSet", "kube-apiserver"),
  };
  expect(workloadOfPod({ metadata: ofDaemonSet })).toEqual({
    kind: "DaemonSet",
    namespace: "kube-system",
    name: "kube-apiserver",
  });
  const ofDeployment = {
    name: "kube-scheduler-6c9f8d7b4-x2x4z",
    namespace: "kube-system",
    annotations: annotated,
    labels: { "pod-template-hash": "6c9f8d7b4" },
    ownerReferences: ownedBy("ReplicaSet", "kube-scheduler-6c9f8d7b4"),
  };
  expect(workloadOfPod({ metadata: ofDeployment })).toMatchObject({
    kind: "Deployment",
    name: "kube-scheduler",
  });
});

test("pods without the annotation, copies and other static pods do not", () => {
  const metadata = { name: "a", ownerReferences: ownedBy("DaemonSet", "d") };
  expect(workloadOfPod({ metadata })).toBeUndefined();
  const copy = { ...annotated, "checkpointer.alpha.coreos.com/checkpoint-of": "a" };
  expect(workloadOfPod({ metadata: { ...metadata, annotations: copy } })).toBeUndefined();
  const mirror = { ...annotated, "kubernetes.io/config.mirror": "x" };
  expect(workloadOfPod({ metadata: { ...metadata, annotations: mirror } })).toBeUndefined();
  expect(workloadOfPod({ metadata: { name: "bare", annotations: annotated } })).toBeUndefined();
});

const sandbox = (name: string, labels: Record<string, string>, annotations: Record<string, string>) => ({
  labels: { "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "kube-system", ...labels },
  annotations: { "kubernetes.io/config.source": "api", ...annotated, ...annotations },
});

test("the container runtime's view gives the same workloads, without the API", () => {
  expect(roleOfSandbox(sandbox("kube-apiserver-x2x4z", { "controller-revision-hash": "5d" }, {}))).toEqual({
    namespace: "kube-system",
    name: "kube-apiserver",
    role: "parent",
  });
  const deployed = sandbox("kube-scheduler-6c9f8d7b4-x2x4z", { "pod-template-hash": "6c9f8d7b4" }, {});
  expect(roleOfSandbox(deployed)).toMatchObject({ name: "kube-scheduler", role: "parent" });
  const copy = sandbox(
    "kube-apiserver-node-1",
    {},
    {
      "checkpointer.alpha.coreos.com/checkpoint-of": "kube-apiserver-x2x4z",
      "slipway.dev/checkpoint-workload": "kube-apiserver",
    },
  );
  expect(roleOfSandbox(copy)).toMatchObject({ name: "kube-apiserver", role: "copy" });
  expect(
    roleOfSandbox(sandbox("etcd-node-1", {}, { "kubernetes.io/config.source": "file" })),
  ).toBeUndefined();
  expect(roleOfSandbox({ labels: {}, annotations: {} })).toBeUndefined();
});
