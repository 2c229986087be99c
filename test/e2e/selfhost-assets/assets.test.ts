import { X509Certificate } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseManifest } from "../../../src/cluster/manifest-text.js";
import { connect } from "../../../src/kube/client.js";
import { dryRunObjects } from "../../../src/kube/dry-run.js";
import type { KubeObject } from "../../../src/plan/kube-object.js";
import { TestHome } from "../harness.js";
import { findBinaries } from "../kube/binaries.js";
import { startControlPlane, untilReady } from "../kube/control-plane.js";

let home: TestHome;
beforeAll(async () => {
  home = await TestHome.create();
  await render();
});
afterAll(() => home?.[Symbol.asyncDispose]());

const directory = () => join(home.directory, "assets");
const render = (...args: string[]) =>
  home.slipway(["selfhost", "render", "--asset-dir", directory(), ...args], { allowFailure: true });
const read = (path: string) => readFile(join(directory(), path), "utf8");

async function files(): Promise<string[]> {
  const entries = await readdir(directory(), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory(), join(entry.parentPath, entry.name)));
}

async function manifests(): Promise<{ file: string; object: KubeObject }[]> {
  const paths = (await files()).filter((path) => path.startsWith("manifests/"));
  const texts = await Promise.all(paths.map(async (file) => ({ file, text: await read(file) })));
  return texts.flatMap(({ file, text }) => parseManifest(text, file).map((object) => ({ file, object })));
}

test("bootkube's files, under its names", async () => {
  const found = await files();
  const named = (folder: string, names: string) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => `${folder}/${name}.yaml`);
  expect(found).toEqual(
    expect.arrayContaining([
      "auth/kubeconfig",
      "auth/kubeconfig-kubelet",
      ...named("bootstrap-manifests", "bootstrap-apiserver bootstrap-controller-manager bootstrap-scheduler"),
      ...named(
        "manifests",
        `coredns-cluster-role-binding coredns-cluster-role coredns-config coredns-deployment
        coredns-service-account coredns-service csr-approver-role-binding csr-bootstrap-role-binding
        csr-renewal-role-binding flannel-cfg flannel-cluster-role-binding flannel-cluster-role flannel-sa flannel
        kube-apiserver-secret kube-apiserver kubeconfig-in-cluster kube-controller-manager-disruption
        kube-controller-manager-role-binding kube-controller-manager-secret
        kube-controller-manager-service-account kube-controller-manager kubelet-bootstrap-token
        kube-proxy-role-binding kube-proxy-sa kube-proxy kube-scheduler-disruption kube-scheduler
        kube-system-rbac-role-binding pod-checkpointer-role-binding pod-checkpointer-role pod-checkpointer-sa pod-checkpointer`,
      ),
      ...["ca.crt", "ca.key", "apiserver.crt", "service-account.key", "etcd/server.crt", "etcd/peer.crt"].map(
        (name) => `tls/${name}`,
      ),
    ]),
  );
});

test("every file is its owner's alone", async () => {
  for (const path of await files()) {
    expect([path, ((await stat(join(directory(), path))).mode & 0o777).toString(8)]).toEqual([path, "600"]);
  }
});

describe("secrets", () => {
  test("no leaf is in system:masters but the break-glass one", async () => {
    const certificates = (await files()).filter((path) => path.endsWith(".crt"));
    const masters: string[] = [];
    for (const path of certificates) {
      const subject = new X509Certificate(await read(path)).subject;
      if (subject.includes("O=system:masters")) masters.push(path);
    }
    expect(masters).toEqual(["tls/break-glass.crt"]);
  });

  test("no authority's key is in a manifest, and none in what the bootstrap control plane reads", async () => {
    const keys = await Promise.all(
      ["tls/ca.key", "tls/etcd-client-ca.key", "tls/front-proxy-ca.key"].map(read),
    );
    const lines = keys.map((pem) => pem.split("\n")[2]!);
    expect(lines.every((line) => line.length > 30)).toBe(true);
    for (const path of await files()) {
      if (!/^(manifests|bootstrap-manifests|auth|tls\/kube-)/.test(path)) continue;
      const text = await read(path);
      const decoded = text.replace(/[A-Za-z0-9+/=]{100,}/g, (data) =>
        Buffer.from(data, "base64").toString("latin1"),
      );
      for (const line of lines) expect([path, decoded.includes(line)]).toEqual([path, false]);
    }
  });

  test("the pods of the control plane have accounts of their own, and no tokens", async () => {
    for (const { object } of await manifests()) {
      const { name } = object.metadata;
      if (object.kind === "ServiceAccount" && /controller-manager|scheduler/.test(name)) {
        expect(object).toMatchObject({ automountServiceAccountToken: false });
      }
      if (object.kind !== "Deployment" || name === "coredns") continue;
      expect(object).toMatchObject({
        spec: { template: { spec: { serviceAccountName: name, automountServiceAccountToken: false } } },
      });
    }
  });
});

test("a real API server would take every manifest", async () => {
  const flags = ["--allow-privileged=true", "--service-cluster-ip-range=10.3.0.0/24"];
  await using plane = await startControlPlane(await findBinaries(), flags);
  await untilReady(plane);
  await using client = connect(plane.admin);
  const objects = (await manifests()).map(({ object }) => object);
  const { refused, untried } = await dryRunObjects(client, objects);
  expect(refused.map(({ error }) => error.message)).toEqual([]);
  expect(untried).toEqual([]);
  expect(await client.find("/apis/apps/v1/namespaces/kube-system/daemonsets/kube-apiserver")).toBeUndefined();
  expect(await client.find("/api/v1/namespaces/kube-flannel")).toBeUndefined();

  const wrong = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x" },
    spec: { replicas: "2" },
  };
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "x", namespace: "kube-system" },
    stringData: { password: 271_828_182 },
  };
  const refusals = (await dryRunObjects(client, [wrong, secret], { settleMs: 200 })).refused;
  expect(refusals.map(({ object }) => object.kind)).toEqual(["Deployment", "Secret"]);
  expect(refusals[0]!.error.message).toContain("replicas");
  expect(JSON.stringify(refusals[1]!.error.message)).not.toContain("271828182");
}, 240_000);

describe("rendering again", () => {
  test("changes nothing", async () => {
    const before = await Promise.all((await files()).map(read));
    const { stderr } = await render();
    expect(stderr).toMatch(/0 new, 0 updated, 0 kept/);
    expect(await Promise.all((await files()).map(read))).toEqual(before);
  });

  test("keeps what was edited and shows the difference; what was removed stays removed", async () => {
    const path = "manifests/kube-scheduler-disruption.yaml";
    const edited = (await read(path)).replace("maxUnavailable: 1", "maxUnavailable: 2");
    await writeFile(join(directory(), path), edited);
    await rm(join(directory(), "manifests/coredns-config.yaml"));
    const { stderr } = await render();
    expect(stderr).toContain("0 new, 0 updated, 2 kept as you have them");
    expect(stderr).toContain(`edited   ${path}`);
    expect(stderr).toMatch(/- *maxUnavailable: 2/);
    expect(stderr).toMatch(/\+ *maxUnavailable: 1/);
    expect(stderr).toContain("removed  manifests/coredns-config.yaml");
    expect(await read(path)).toBe(edited);
    expect(await files()).not.toContain("manifests/coredns-config.yaml");
  });

  test("prints no secret, also of files that somebody edited", async () => {
    const paths = (await files()).filter((path) => /^(auth|tls)\/|-secret\.yaml$|bootstrap-token/.test(path));
    const secretWords = new Set<string>();
    for (const path of paths.filter((name) => /secret\.yaml$|bootstrap-token|kubeconfig/.test(name))) {
      const text = await read(path);
      await writeFile(join(directory(), path), `${text}# mine\n`);
      const token = parseAllDocuments(text)[0]?.getIn(["stringData", "token-secret"]);
      if (typeof token === "string") secretWords.add(token);
      for (const [word] of text.matchAll(/[A-Za-z0-9+/=]{60,}/g)) secretWords.add(word);
    }
    expect(secretWords.size).toBeGreaterThan(10);
    const { stderr, stdout } = await render();
    expect(stderr).toContain("edited   manifests/kube-apiserver-secret.yaml");
    for (const word of secretWords) expect(stderr + stdout).not.toContain(word);
  });

  test("--overwrite writes all of it again, with the same authority", async () => {
    const authority = await read("tls/ca.crt");
    await render("--overwrite");
    expect(await files()).toContain("manifests/coredns-config.yaml");
    expect(await read("manifests/kube-scheduler-disruption.yaml")).toContain("maxUnavailable: 1");
    expect(await read("tls/ca.crt")).toBe(authority);
  });

  test("a directory of somebody else's is refused", async () => {
    const { exitCode, stderr } = await home.slipway(
      ["selfhost", "render", "--asset-dir", join(home.directory, "assets/tls")],
      { allowFailure: true },
    );
    expect(exitCode).toBe(18);
    expect(stderr).toContain("was not made by render");
  });
});
