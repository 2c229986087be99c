import { expect, test } from "vitest";
import { metricsServerCertificate, metricsServerObjects } from "./addons/metrics-server.js";
import type { KubeObject } from "./kube-object.js";
import { sealObjects } from "./secrets.js";

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
