import "reflect-metadata";
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate as PeculiarCertificate } from "@peculiar/x509";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { run } from "../base/run.js";
import { createAuthority } from "./authority.js";
import { type CertificateRequest, issueCertificate } from "./certificate.js";
import { inspectCertificate } from "./inspect.js";
import { clusterKubeconfig } from "./kubeconfig.js";
import { createServiceAccountKeys } from "./service-account.js";

const now = new Date("2026-11-20T10:00:00Z");
const authority = createAuthority("slipway-demo-cluster", { now, years: 10 });
const request: CertificateRequest = {
  name: "apiserver",
  authority: "cluster",
  commonName: "kube-apiserver",
  organizations: [],
  usages: ["server"],
  dnsNames: ["kubernetes", "kubernetes.default.svc.cluster.local", "*.demo.example"],
  ips: ["10.96.0.1", "fd00:10:96::1"],
};
const issue = (changes: Partial<CertificateRequest> = {}, days = 365) =>
  issueCertificate({ ...request, ...changes }, authority, { now, days });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-pki-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(directory, name), text, { mode: 0o600 });
  return join(directory, name);
}

describe("an authority", () => {
  test("is self-signed, may sign certificates, and lasts as long as asked from five minutes ago", () => {
    const report = inspectCertificate(authority.certificatePem, now, {
      privateKeyPem: authority.privateKeyPem,
      authorityPem: authority.certificatePem,
    });
    expect(report).toMatchObject({
      subject: "CN=slipway-demo-cluster",
      issuer: "CN=slipway-demo-cluster",
      notBefore: new Date("2026-11-20T09:55:00Z"),
      notAfter: new Date("2036-11-20T10:00:00Z"),
      isAuthority: true,
      keyUsages: ["digitalSignature", "keyCertSign", "cRLSign"],
      usages: [],
      keyMatches: true,
      signedByAuthority: true,
    });
    expect(authority.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  test("writes dates from 2050 on in the form that RFC 5280 asks for", () => {
    const late = createAuthority("late", { now: new Date("2045-01-01T00:00:00Z"), years: 10 });
    expect(inspectCertificate(late.certificatePem, now)).toMatchObject({
      notAfter: new Date("2055-01-01T00:00:00Z"),
      notYetValid: true,
    });
  });
});

describe("a leaf certificate", () => {
  test("carries exactly the names, addresses and usages that were asked for", () => {
    const { certificatePem, privateKeyPem } = issue();
    expect(
      inspectCertificate(certificatePem, now, { privateKeyPem, authorityPem: authority.certificatePem }),
    ).toMatchObject({
      subject: "CN=kube-apiserver",
      issuer: "CN=slipway-demo-cluster",
      dnsNames: request.dnsNames,
      ips: request.ips,
      notBefore: new Date("2026-11-20T09:55:00Z"),
      notAfter: new Date("2027-11-20T10:00:00Z"),
      daysLeft: 365,
      expired: false,
      isAuthority: false,
      keyUsages: ["digitalSignature"],
      usages: ["server"],
      keyMatches: true,
      signedByAuthority: true,
    });
  });

  test("is read the same way by an ASN.1 library", () => {
    const { certificatePem } = issue({ organizations: ["a", "b"], usages: ["client", "server"] });
    const certificate = new PeculiarCertificate(certificatePem);
    expect(certificate.subject).toBe("O=a, O=b, CN=kube-apiserver");
    expect(certificate.extensions.map(({ type, critical }) => [type, critical])).toEqual([
      ["2.5.29.15", true],
      ["2.5.29.19", true],
      ["2.5.29.14", false],
      ["2.5.29.37", false],
      ["2.5.29.35", false],
      ["2.5.29.17", false],
    ]);
  });

  test("passes openssl's strict verification, for its purpose and name only", async () => {
    const ca = await file("ca.pem", authority.certificatePem);
    const leaf = await file("leaf.pem", issue().certificatePem);
    const at = String(now.getTime() / 1000);
    const check = (...args: string[]) =>
      run("openssl", ["verify", "-x509_strict", "-attime", at, "-CAfile", ca, ...args, leaf], {
        allowFailure: true,
      });
    expect(await check("-purpose", "sslserver", "-verify_hostname", "kubernetes")).toMatchObject({
      stdout: `${leaf}: OK`,
    });
    expect((await check("-verify_ip", "fd00:10:96::1")).exitCode).toBe(0);
    expect((await check("-purpose", "sslclient")).stderr).toContain("unsuitable certificate purpose");
    expect((await check("-verify_hostname", "other")).stderr).toContain("hostname mismatch");

    const text = (await run("openssl", ["x509", "-in", leaf, "-noout", "-text"])).stdout;
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toMatch(/Basic Constraints: critical\n\s+CA:FALSE\n/);
    expect(text).toMatch(/Extended Key Usage: \n\s+TLS Web Server Authentication\n/);
    expect(text).toContain("ASN1 OID: prime256v1");
  });

  test("is refused by openssl under another authority of the same name", async () => {
    const other = createAuthority("slipway-demo-cluster", { now, years: 10 });
    const { certificatePem } = issue();
    const ca = await file("other.pem", other.certificatePem);
    const leaf = await file("leaf2.pem", certificatePem);
    expect((await run("openssl", ["verify", "-CAfile", ca, leaf], { allowFailure: true })).exitCode).not.toBe(
      0,
    );
    expect(inspectCertificate(certificatePem, now, { authorityPem: other.certificatePem })).toMatchObject({
      signedByAuthority: false,
    });
  });

  test("never outlives its authority", () => {
    const short = createAuthority("short", { now, years: 1 });
    const { certificatePem } = issueCertificate(request, short, { now, days: 3650 });
    expect(inspectCertificate(certificatePem, now).notAfter).toEqual(new Date("2027-11-20T10:00:00Z"));
  });

  test("is signed under an authority that openssl made", async () => {
    const key = join(directory, "theirs.key");
    const certificate = join(directory, "theirs.pem");
    await run("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /C=DE/O=Example/CN=theirs".split(
        " ",
      ),
      ...["-keyout", key, "-out", certificate],
    ]);
    const theirs = {
      certificatePem: await readFile(certificate, "utf8"),
      privateKeyPem: await readFile(key, "utf8"),
    };
    const leaf = issueCertificate(request, theirs, { now: new Date(), days: 365 });
    const path = await file("leaf3.pem", leaf.certificatePem);
    await run("openssl", ["verify", "-CAfile", certificate, path]);
    expect(inspectCertificate(leaf.certificatePem, now).issuer).toBe("CN=theirs,O=Example,C=DE");
  });

  test("keeps every name and address, whatever they are", () => {
    const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const address = fc.oneof(
      octets(4).map((bytes) => bytes.join(".")),
      fc.ipV6().filter((ip) => !ip.includes(".")),
    );
    fc.assert(
      fc.property(
        fc.array(fc.domain(), { maxLength: 5 }),
        fc.array(address, { maxLength: 5 }),
        fc
          .string({ unit: "grapheme", minLength: 1, maxLength: 300 })
          .filter((name) => !/[\p{C}]/u.test(name)),
        (dnsNames, ips, commonName) => {
          const { certificatePem } = issue({ dnsNames, ips, commonName });
          const report = inspectCertificate(certificatePem, now);
          expect(report.dnsNames).toEqual(dnsNames);
          expect(report.ips.map((ip) => new URL(`http://${ip.includes(":") ? `[${ip}]` : ip}`).host)).toEqual(
            ips.map((ip) => new URL(`http://${ip.includes(":") ? `[${ip}]` : ip}`).host),
          );
          expect(new PeculiarCertificate(certificatePem).subjectName.getField("CN")).toEqual([commonName]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    ["an address that is none", { ips: ["10.0.0"] }, "ADDRESS_INVALID"],
    ["an address with a zone", { ips: ["fe80::1%eth0"] }, "ADDRESS_INVALID"],
    ["a DNS name with a blank", { dnsNames: ["a b"] }, "ADDRESS_INVALID"],
    ["an empty DNS name", { dnsNames: [""] }, "ADDRESS_INVALID"],
  ])("is not made for %s", (_, changes, code) => {
    expect(() => issue(changes)).toThrow(expect.objectContaining({ code }));
  });

  test("is not made by an authority that is expired, torn, no authority, or has another's key", () => {
    const leaf = issue();
    const other = createAuthority("other", { now, years: 1 });
    const attempt =
      (pair: typeof leaf, at = now) =>
      () =>
        issueCertificate(request, pair, { now: at, days: 1 });
    expect(attempt(other, new Date("2030-01-01"))).toThrow(
      /the cluster authority cannot sign: it expired on 2027/,
    );
    expect(attempt({ ...other, certificatePem: other.certificatePem.slice(0, 200) })).toThrow(
      /not readable as PEM/,
    );
    expect(attempt(leaf)).toThrow(/not one of an authority/);
    expect(attempt({ ...other, privateKeyPem: leaf.privateKeyPem })).toThrow(/not that of its certificate/);
  });
});

test("serial numbers are 128 random bits, and positive", () => {
  const serials = Array.from({ length: 40 }, () => inspectCertificate(issue().certificatePem, now).serial);
  expect(new Set(serials).size).toBe(40);
  for (const serial of serials) expect(serial).toMatch(/^[0-9a-f]{20,32}$/);
});

test("inspecting says what is wrong", () => {
  const { certificatePem } = issue();
  const other = issue();
  expect(inspectCertificate(certificatePem, new Date("2028-01-01"))).toMatchObject({
    expired: true,
    daysLeft: -42,
  });
  expect(inspectCertificate(certificatePem, now, { privateKeyPem: other.privateKeyPem }).keyMatches).toBe(
    false,
  );
  expect(() => inspectCertificate("nothing", now)).toThrow(
    expect.objectContaining({ code: "CERTIFICATE_INVALID" }),
  );
  expect(() => inspectCertificate(certificatePem, now, { privateKeyPem: "torn" })).toThrow(
    /the private key is not readable/,
  );
});

test("service-account keys sign and check, in the forms that client-go reads", () => {
  const { publicKeyPem, privateKeyPem } = createServiceAccountKeys();
  expect(publicKeyPem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  expect(privateKeyPem).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  const token = Buffer.from("header.payload");
  const signature = sign("sha256", token, createPrivateKey(privateKeyPem));
  expect(verify("sha256", token, createPublicKey(publicKeyPem), signature)).toBe(true);
});

test("a kubeconfig holds its certificates and survives YAML", () => {
  const client = issue({
    usages: ["client"],
    commonName: "admin",
    organizations: ["slipway:admins"],
    ips: [],
    dnsNames: [],
  });
  const { config, text } = clusterKubeconfig({
    cluster: "demo",
    server: "https://10.77.0.2:6443",
    caPem: authority.certificatePem,
    user: "demo",
    ...client,
    contextName: "demo",
  });
  expect(parse(text)).toEqual(config);
  const data = config.users[0]!.user["client-certificate-data"];
  expect(new X509Certificate(Buffer.from(data, "base64")).subject).toBe("O=slipway:admins\nCN=admin");
});

test("a cluster's whole PKI takes a fraction of a second of CPU", () => {
  const rounds = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    const names = ["cluster", "etcd", "front-proxy"];
    const authorities = names.map((name) => createAuthority(name, { now, years: 10 }));
    for (let i = 0; i < 15; i++) issueCertificate(request, authorities[i % 3]!, { now, days: 365 });
    createServiceAccountKeys();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  expect(Math.min(...rounds)).toBeLessThan(150); // about 30 on an idle machine of 2026; the best of three bears a busy one
});
