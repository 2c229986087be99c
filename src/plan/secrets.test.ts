import { expect, test } from "vitest";
import { metricsServerCertificate, metricsServerObjects } from "./addons/metrics-server.js";
import type { KubeObject } from "./kube-object.js";
import { sealObjects, secretsHash } from "./secrets.js";

const material = new Map([
  ["pki/ca.crt", "the authority"],
  ["pki/metrics-server.crt", "the certificate"],
  ["pki/metrics-server.key", "the key"],
]);
const base64 = (text: string) => Buffer.from(text).toString("base64");
const ofKind = (objects: readonly KubeObject[], kind: string) => objects.find((one) => one.kind === kind);

test("metrics-server serves with a certificate of the cluster's authority, and the API server checks it", () => {
  const plan = metricsServerObjects();
  expect(JSON.stringify(plan)).not.toContain("insecure");
  const sealed = sealObjects(plan, material);
  expect(ofKind(sealed, "Secret")?.data).toEqual({
    "tls.crt": base64("the certificate"),
    "tls.key": base64("the key"),
  });
  expect(ofKind(sealed, "APIService")?.spec).toMatchObject({ caBundle: base64("the authority") });
  // kube-aggregator asks for the Service by this name.
  expect(metricsServerCertificate.dnsNames).toContain("metrics-server.kube-system.svc");
  expect(JSON.stringify(sealed)).not.toContain("slipway:");
});

test("a plan's object without its secret is a bug, not an empty Secret", () => {
  expect(() => sealObjects(metricsServerObjects(), new Map())).toThrow("pki/metrics-server.crt");
});

test("a user's own words are left alone", () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { image: "slipway:latest" } };
  expect(sealObjects([pod], material)).toEqual([pod]);
});

test("a pod template's hash of its secrets changes with them, and holds none", () => {
  const template = {
    metadata: {
      annotations: { hash: secretsHash(["pki/ca.crt", "pki/metrics-server.key"]), own: "slipway:x" },
    },
  };
  const workload = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" }, spec: { template } };
  const hashIn = (secrets: Map<string, string>) =>
    (sealObjects([workload], secrets)[0]!.spec as { template: typeof template }).template.metadata
      .annotations;
  const sealed = hashIn(material);
  expect(sealed.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(sealed.own).toBe("slipway:x");
  expect(hashIn(new Map([...material, ["pki/metrics-server.key", "another"]])).hash).not.toBe(sealed.hash);
  expect(hashIn(new Map([...material, ["pki/metrics-server.crt", "another"]])).hash).toBe(sealed.hash);
});
