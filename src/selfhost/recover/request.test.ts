import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../../pki/authority.js";
import { clusterKubeconfig } from "../../pki/kubeconfig.js";
import { recoveryRequest } from "./request.js";

let workingDirectory: string;
beforeAll(async () => {
  workingDirectory = await mkdtemp(join(tmpdir(), "slipway-request-"));
  const { certificatePem, privateKeyPem } = createAuthority("a", { now: new Date(), years: 1 });
  const { text } = clusterKubeconfig({
    cluster: "a",
    server: "https://10.0.0.10:6443",
    caPem: certificatePem,
    user: "admin",
    certificatePem,
    privateKeyPem,
    contextName: "a",
  });
  await writeFile(join(workingDirectory, "admin.conf"), text);
  await writeFile(join(workingDirectory, "key.yaml"), "kind: EncryptionConfiguration\n");
});
afterAll(() => rm(workingDirectory, { recursive: true }));

const request = (flags: Parameters<typeof recoveryRequest>[0]) =>
  recoveryRequest(
    { kubeconfig: "admin.conf", ...flags },
    { workingDirectory, supportedVersions: ["v1.36.3", "v1.35.4"], defaultVersion: "stable" },
  );
const etcdFiles = {
  "etcd-ca-path": "ca.crt",
  "etcd-certificate-path": "client.crt",
  "etcd-private-key-path": "client.key",
};

test("the API of the kubeconfig, when no other source is named", async () => {
  const { from } = await request({});
  expect(from).toMatchObject({ origin: "api", credentials: { server: "https://10.0.0.10:6443" } });
});

test("etcd, with paths from where one is, and the key that is given", async () => {
  const servers = "https://10.0.0.10:2379, https://10.0.0.11:2379";
  const { from } = await request({
    "etcd-servers": servers,
    ...etcdFiles,
    "encryption-provider-config": "key.yaml",
  });
  expect(from).toEqual({
    origin: "etcd",
    etcd: {
      servers: ["https://10.0.0.10:2379", "https://10.0.0.11:2379"],
      caPath: join(workingDirectory, "ca.crt"),
      certificatePath: join(workingDirectory, "client.crt"),
      keyPath: join(workingDirectory, "client.key"),
    },
    prefix: "/registry",
    encryption: "kind: EncryptionConfiguration\n",
    kubernetesVersion: "v1.36.3",
  });
});

test.each<[Parameters<typeof recoveryRequest>[0], string]>([
  [{ kubeconfig: undefined }, "--recovery-dir needs --kubeconfig"],
  [{ kubeconfig: "nowhere" }, "--kubeconfig: ENOENT"],
  [{ "etcd-servers": "https://a:2379" }, "--etcd-ca-path, --etcd-certificate-path, --etcd-private-key-path"],
  [{ "etcd-servers": "http://a:2379", ...etcdFiles }, '"http://a:2379" is not an https URL'],
  [{ "etcd-servers": "https://a:2379", "etcd-backup-file": "b.db" }, "are two sources"],
])("%j is refused", async (flags, why) => {
  await expect(request(flags)).rejects.toThrow(why);
});
