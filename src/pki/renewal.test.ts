import { expect, test } from "vitest";
import { createAuthority } from "./authority.js";
import { type CertificateRequest, issueCertificate } from "./certificate.js";
import { renewalOf } from "./renewal.js";

const made = new Date("2026-11-20T10:00:00Z");
const authority = createAuthority("demo", { now: made, years: 10 });
const request: CertificateRequest = {
  name: "apiserver",
  authority: "cluster",
  commonName: "kube-apiserver",
  organizations: [],
  usages: ["server"],
  dnsNames: ["kubernetes", "localhost"],
  ips: ["10.96.0.1"],
};
const leaf = issueCertificate(request, authority, { now: made, days: 365 });
const after = (days: number) => new Date(made.getTime() + days * 86_400_000);
const reason = (now: Date, changes: Partial<CertificateRequest> = {}) =>
  renewalOf(leaf, { ...request, ...changes }, authority, { now, days: 365 })?.reason;

test.each([
  ["when it was made", 0, undefined],
  ["five minutes before", -4 / 1440, undefined],
  ["when two thirds of its life are over", 244, "ends soon"],
  ["just before that", 243, undefined],
  ["on its last day", 364.9, "ends soon"],
  ["after it", 365.1, "expired"],
  ["with the clock years ahead", 3000, "expired"],
  ["with the clock behind", -2, "not yet valid"],
  ["with the clock at the epoch", -20_777, "not yet valid"],
] as const)("a leaf %s", (_, days, expected) => {
  expect(reason(after(days))).toBe(expected);
});

test("a leaf of other names, another authority or another key is made anew, whatever the clock says", () => {
  expect(reason(made, { dnsNames: ["localhost", "kubernetes"] })).toBeUndefined();
  expect(reason(made, { dnsNames: ["localhost"] })).toBe("other");
  expect(reason(after(400), { ips: ["10.96.0.1", "192.0.2.1"] })).toBe("other");
  const other = createAuthority("demo", { now: made, years: 10 });
  const options = { now: made, days: 365 };
  expect(renewalOf(leaf, request, other, options)?.reason).toBe("other");
  expect(
    renewalOf({ ...leaf, privateKeyPem: other.privateKeyPem }, request, authority, options)?.reason,
  ).toBe("other");
});

test("a leaf that ends with its authority is not made anew again and again", () => {
  const ending = createAuthority("ending", { now: made, years: 1 });
  const last = issueCertificate(request, ending, { now: after(300), days: 365 });
  expect(renewalOf(last, request, ending, { now: after(301), days: 365 })).toBeUndefined();
  expect(renewalOf(last, request, ending, { now: after(366), days: 365 })?.reason).toBe("expired");
});
