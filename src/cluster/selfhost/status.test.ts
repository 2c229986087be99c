import { expect, test } from "vitest";
import { type ComponentPod, oddities, type SelfhostStatus } from "./status.js";

const pod = (component: string, fields: Partial<ComponentPod> = {}): ComponentPod => ({
  component,
  node: "demo-1",
  origin: "self-hosted",
  pod: `${component}-x`,
  version: "v1.36.3",
  ready: true,
  restarts: 0,
  ...fields,
});
const well = (fields: Partial<SelfhostStatus> = {}): Omit<SelfhostStatus, "odd"> => ({
  name: "demo",
  kubernetesVersion: "v1.36.3",
  bootstrapper: "selfhosted",
  pods: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "pod-checkpointer"].map((name) =>
    pod(name),
  ),
  nodes: [{ name: "demo-1", kubelet: "v1.36.3+slipway", ready: true }],
  certificates: [],
  ...fields,
});
const said = (fields: Partial<SelfhostStatus>) =>
  oddities(well(fields)).map(({ message, hint }) => `${message} → ${hint}`);

test("nothing is odd about a control plane that is well", () => {
  expect(said({})).toEqual([]);
});

test.each<[string, Partial<SelfhostStatus>, RegExp]>([
  [
    "a pod that is not ready",
    { pods: [...well().pods, pod("kube-scheduler", { ready: false })] },
    /not ready → .*describe/,
  ],
  ["a missing component", { pods: well().pods.slice(1) }, /no self-hosted kube-apiserver → slipway start/],
  ["no checkpointer", { pods: well().pods.slice(0, 3) }, /no pod-checkpointer/],
  [
    "an image that somebody set",
    { pods: [...well().pods, pod("kube-scheduler", { version: "v1.36.1" })] },
    /kube-scheduler-x \(v1\.36\.1\)/,
  ],
  [
    "an old kubelet",
    { nodes: [{ name: "w", kubelet: "v1.35.4", ready: true }] },
    /w \(v1\.35\.4\) → .*upgrade/,
  ],
  [
    "what is left of a pivot",
    {
      pods: [
        ...well().pods,
        pod("kube-apiserver", { origin: "bootstrap", pod: "bootstrap-kube-apiserver-demo-1" }),
      ],
    },
    /of a pivot that has not ended → slipway start/,
  ],
  [
    "what an unpivot has done before it was cut short",
    { pods: [...well().pods, pod("kube-scheduler", { origin: "static", pod: "kube-scheduler-demo-1" })] },
    /kube-scheduler-demo-1: static, of an unpivot that has not ended → slipway selfhost unpivot -p demo$/,
  ],
  [
    "an unfinished upgrade",
    { upgrade: { version: 1, from: "v1.35.4", to: "v1.36.3", startedAt: "2026-11-29T00:00:00Z" } },
    /has begun and not ended → slipway selfhost upgrade -p demo --to v1\.36\.3/,
  ],
  [
    "a certificate that ends",
    {
      certificates: [
        {
          secret: "kube-scheduler",
          file: "scheduler.conf",
          subject: "CN=x",
          notBefore: new Date(0),
          notAfter: new Date(1),
          daysLeft: 3,
        },
      ],
    },
    /kube-scheduler\/scheduler\.conf → slipway certs renew/,
  ],
])("%s is told with what helps", (_, fields, expected) => {
  expect(said(fields)).toEqual([expect.stringMatching(expected)]);
});
