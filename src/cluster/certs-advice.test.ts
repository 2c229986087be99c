import { expect, test } from "vitest";
import type { CertificateState, CertificateStatus } from "./certs.js";
import { certificateAdvice } from "./certs-advice.js";

const now = new Date("2026-11-21T12:00:00Z");
const certificate = (state: CertificateState, isAuthority = false): CertificateStatus => ({
  name: isAuthority ? "ca" : "apiserver/demo",
  authority: "cluster",
  isAuthority,
  subject: "CN=x",
  notBefore: new Date("2026-12-21T12:00:00Z"),
  notAfter: new Date("2026-10-17T12:00:00Z"),
  state,
});
const clusterOf = (bootstrapper: "units" | "selfhosted") => ({ metadata: { name: "demo" }, bootstrapper });
const adviceFor = (bootstrapper: "units" | "selfhosted", ...all: CertificateStatus[]) =>
  certificateAdvice(clusterOf(bootstrapper), [certificate("ok", true), ...all, certificate("ok")], now);
const advice = (...all: CertificateStatus[]) => adviceFor("units", ...all);

test.each<[CertificateState, string]>([
  ["expired", "2 certificates expired"],
  ["not yet valid", "not valid yet: 2 certificates"],
  ["missing", "2 certificates cannot be used"],
  ["unreadable", "2 certificates cannot be used"],
  ["wrong authority", "2 certificates cannot be used"],
  ["expires soon", "2 certificates will expire within 30 days"],
])("leaves that are %s can be renewed", (state, message) => {
  const said = advice(certificate(state), certificate(state));
  expect(said?.message).toContain(message);
  expect(said?.hint).toContain("slipway certs renew -p demo");
});

test.each<[CertificateState, RegExp]>([
  ["not yet valid", /begin 2026-12-21 12:00:00 UTC, in 30 days/],
  ["expired", /expired 2026-10-17/],
  ["missing", /of the cluster's authorities 1 cannot be used/],
])("authorities that are %s come first, and cannot be renewed", (state, message) => {
  const said = advice(certificate("expired"), certificate(state, true));
  expect(said?.message).toMatch(message);
  expect(said?.hint).toContain("slipway delete -p demo, then slipway start -p demo");
  expect(said?.hint).not.toContain("renew");
});

test("a self-hosted control plane that died of its certificates is recovered; one that lives renews them", () => {
  expect(adviceFor("selfhosted", certificate("expired"))?.hint).toBe("slipway selfhost recover -p demo");
  expect(adviceFor("selfhosted", certificate("expires soon"))?.hint).toBe("slipway certs renew -p demo");
});

test("good certificates need no advice", () => {
  expect(advice()).toBeUndefined();
});
