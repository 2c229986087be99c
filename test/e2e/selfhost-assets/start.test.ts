import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { etcdctlSettings } from "../../../src/plan/etcd-client.js";
import { hostState } from "../harness.js";
import { KubeletMachine } from "./kubelet-machine.js";

// `selfhost start` on a machine that has a kubelet, etcd and nothing else: everything that bootkube's start does, run inside of the
// machine. The tests follow each other on one machine, from a start that is refused to one that was killed at every step.
let before: Awaited<ReturnType<typeof hostState>>;
let machine: KubeletMachine;

beforeAll(async () => {
  before = await hostState();
  machine = await KubeletMachine.create("assets");
});
afterAll(() => machine?.[Symbol.asyncDispose]());

const listing = async (): Promise<string> =>
  (await machine.exec(["find", "/etc/kubernetes", "-type", "f", "-printf", "%p %m %s\\n"])).stdout
    .split("\n")
    // The kubelet's own, which it writes when it joins.
    .filter((line) => !line.includes("/kubelet.conf"))
    .sort()
    .join("\n");
const workloads = () => machine.kubectl(["-n", "kube-system", "get", "ds,deploy", "-o", "name"]);
const wrongFile = () => join(machine.assets, "manifests/wrong.yaml");
const wrong = JSON.stringify({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "wrong", namespace: "default" },
  spec: { ports: [{ port: 70_000 }] },
});

test("what is not right is told before anything is touched", async () => {
  const untouched = await listing();
  const refusal = async (args: string[], code: string, ...texts: string[]) => {
    const { exitCode, stderr } = await machine.start(args);
    expect(exitCode, stderr).not.toBe(0);
    for (const text of [`[${code}]`, ...texts]) expect(stderr).toContain(text);
  };
  await refusal(["--pod-manifest-path", "/nowhere"], "PREFLIGHT_FAILED", "/nowhere", "staticPodPath");
  await refusal(["--required-pods", "kube-apiserver"], "USAGE", "namespace/name");
  await refusal(["--timeout", "soon"], "USAGE", "--timeout");

  await writeFile(wrongFile(), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  nme: x\n");
  await refusal([], "CONFIG_INVALID", "manifests/wrong.yaml:3:1");
  await rm(wrongFile());

  const key = join(machine.assets, "tls/kube-scheduler/scheduler.conf");
  const contents = await readFile(key, "utf8");
  await rm(key);
  await refusal([], "CONFIG_INVALID", "tls/kube-scheduler/scheduler.conf is missing", "selfhost render");
  await writeFile(key, contents, { mode: 0o600 });

  const somebody = "/etc/kubernetes/manifests/bootstrap-scheduler.yaml";
  await machine.exec(["tee", somebody], { input: "kind: Pod\n" });
  await refusal([], "PREFLIGHT_FAILED", somebody, "not of an earlier start");
  await machine.exec(["rm", somebody]);

  const script = 'require("net").createServer().listen(6444)';
  const listener = machine.exec(["timeout", "8", "/opt/slipway/node", "-e", script], { allowFailure: true });
  const listens = async () => (await machine.exec(["ss", "-Hltn", "sport", "=", ":6444"])).stdout;
  await expect.poll(listens, { timeout: 5_000 }).not.toBe("");
  await refusal([], "PORT_IN_USE", "port 6444", "node (process");
  await listener;

  await machine.exec(["cp", "/etc/kubernetes/pki/ca.crt", "/root/ca.crt"]);
  await machine.exec(["cp", "/etc/kubernetes/pki/etcd/ca.crt", "/etc/kubernetes/pki/ca.crt"]);
  await refusal([], "CERTIFICATE_INVALID", "another cluster's authority");
  await machine.exec(["cp", "/root/ca.crt", "/etc/kubernetes/pki/ca.crt"]);

  expect(await listing()).toBe(untouched);
});

test("strict: a manifest that the API refuses is told by file, and nothing is applied", async () => {
  await writeFile(wrongFile(), wrong);
  const { exitCode, stderr } = await machine.start(["--strict"]);
  expect(exitCode, stderr).toBe(100);
  expect(stderr).toMatch(/manifests\/wrong\.yaml: the API server refuses Service default\/wrong/);
  expect(stderr).toContain("nothing was applied");
  expect(stderr).toContain("70000");
  expect(await workloads()).toBe("");
  expect(await machine.kubectl(["get", "clusterrolebinding", "-o", "name"])).not.toContain("slipway");
  await rm(wrongFile());
});

test("a required pod that never comes: what was waited for, what was seen, and the command to look", async () => {
  const { exitCode, stderr } = await machine.start([
    ...["--required-pods", "kube-system/kube-scheduler,kube-system/nobody", "--timeout", "60s"],
  ]);
  expect(exitCode, stderr).toBe(102);
  expect(stderr).toContain("pods kube-system/nobody… are Ready");
  expect(stderr).toContain("there are no such pods yet");
  expect(stderr).toContain("-n kube-system describe pods -l k8s-app=nobody");
  // The bootstrap control plane is there for a look.
  expect(await listing()).toContain("manifests/bootstrap-apiserver.yaml");
});

test("killed within every step and run again, it goes on; the last run pivots", async () => {
  let killed = 0;
  // Two points before the first step; four a step, of which the third comes when its work is done and not yet noted.
  for (let point = 5; ; point += 4) {
    const { exitCode, stderr } = await machine.start([], {
      env: { SLIPWAY_TEST_KILL_AT_POINT: String(point) },
    });
    if (exitCode === 0) {
      expect(stderr).toContain("cut short at end-bootstrap");
      break;
    }
    expect(exitCode, stderr).toBe(137);
    killed++;
  }
  expect(killed).toBe(9);

  expect(await workloads()).toContain("daemonset.apps/kube-apiserver");
  const files = await listing();
  expect(files).not.toContain("bootstrap");
  expect(files).toMatch(/pki\/ca\.key 600 /);
  expect((await machine.exec(["nft", "list", "tables"])).stdout).not.toContain("slipway-bootstrap");
  expect(await machine.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].metadata.labels}"])).toContain(
    "node-role.kubernetes.io/control-plane",
  );
}, 600_000);

test("the cluster works by its own control plane", async () => {
  await machine.kubectl(["-n", "kube-system", "rollout", "status", "deploy/coredns", "--timeout=120s"]);
  await machine.kubectl(["get", "--raw", "/readyz"]);
  // Their kubelet takes a moment to say that they are gone.
  const pods = () => machine.kubectl(["-n", "kube-system", "get", "pods", "-o", "name"]);
  await expect.poll(pods, { timeout: 60_000 }).not.toContain("bootstrap-");
  expect(await machine.kubectl(["auth", "whoami"])).toContain("system:masters");
});

test("a second start applies what changed, and touches nothing else", async () => {
  const uid = () =>
    machine.kubectl(["-n", "kube-system", "get", "pods", "-l", "tier=control-plane", "-o", "name"]);
  const pods = await uid();
  const budget = join(machine.assets, "manifests/kube-scheduler-disruption.yaml");
  const text = await readFile(budget, "utf8");
  await writeFile(budget, text.replace("maxUnavailable: 1", "maxUnavailable: 0"));
  const { exitCode, stderr } = await machine.start();
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain("the control plane was self-hosted before");
  expect(
    await machine.kubectl([
      ...["-n", "kube-system", "get", "pdb", "kube-scheduler", "-o", "jsonpath={.spec.maxUnavailable}"],
    ]),
  ).toBe("0");
  expect(await uid()).toBe(pods);
  expect(await listing()).not.toContain("bootstrap");
});

test("not strict: the others are applied, each refusal is told, and it fails", async () => {
  await writeFile(wrongFile(), wrong);
  const other = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "good", namespace: "default" } };
  await writeFile(join(machine.assets, "manifests/good.yaml"), JSON.stringify(other));
  const { exitCode, stderr } = await machine.start();
  expect(exitCode, stderr).toBe(100);
  expect(stderr).toMatch(/manifests\/wrong\.yaml: the API server refuses Service default\/wrong/);
  expect(await machine.kubectl(["get", "configmap", "good", "-o", "name"])).toContain("good");
});

/** A recovery into a directory of the assets; its files but for the two that tell of itself. */
async function recovered(directory: string, ...args: string[]): Promise<Map<string, string>> {
  const kubeconfig = ["--kubeconfig", "auth/break-glass.kubeconfig"];
  await machine.slipway(["selfhost", "recover", "--recovery-dir", directory, ...kubeconfig, ...args]);
  const root = join(machine.assets, directory);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = ["recovery.json", ".slipway-recover.ndjson"];
  const texts = new Map<string, string>();
  for (const path of files.map((file) => relative(root, file)).sort()) {
    expect((await stat(join(root, path))).mode & 0o777).toBe(0o600);
    if (!own.includes(path)) texts.set(path, await readFile(join(root, path), "utf8"));
  }
  return texts;
}

const etcd = () => [
  ...["--etcd-servers", `https://${machine.address}:2379`, "--etcd-ca-path", "tls/etcd-client-ca.crt"],
  ...["--etcd-certificate-path", "tls/etcd-client.crt", "--etcd-private-key-path", "tls/etcd-client.key"],
];
const key = ["--encryption-provider-config", "tls/kube-apiserver/encryption.yaml"];

test("recover --recovery-dir: from the API, from etcd and from a snapshot the same bootstrap control plane", async () => {
  await machine.kubectl(["create", "secret", "generic", "kept", "--from-literal=word=here"]);
  const fromApi = await recovered("from-api");
  expect([...fromApi.keys()]).toEqual(
    expect.arrayContaining([
      "auth/kubeconfig",
      "bootstrap-manifests/bootstrap-apiserver.yaml",
      "bootstrap-manifests/bootstrap-controller-manager.yaml",
      "bootstrap-manifests/bootstrap-scheduler.yaml",
      "tls/kube-apiserver/files/encryption.yaml",
    ]),
  );
  const refused = await machine.slipway(
    [
      ...["selfhost", "recover", "--recovery-dir", "locked"],
      ...["--kubeconfig", "auth/break-glass.kubeconfig", ...etcd()],
    ],
    { allowFailure: true },
  );
  expect(refused.exitCode).toBe(105);
  expect(refused.stderr).toMatch(/Secrets cannot be read[\s\S]*--encryption-provider-config/);
  expect(await recovered("from-etcd", ...etcd(), ...key)).toEqual(fromApi);

  const save = `${etcdctlSettings}etcdctl snapshot save /assets/backup.db`;
  await machine.exec(["/bin/sh", "-c", save]);
  const snapshot = ["--etcd-backup-file", "backup.db", ...key];
  const fromSnapshot = await recovered("recovered", ...snapshot, "--ca-private-key-path", "tls/ca.key");
  expect(fromSnapshot.get("tls/ca.key")).toBe(await readFile(join(machine.assets, "tls/ca.key"), "utf8"));
  fromSnapshot.delete("tls/ca.key");
  expect(fromSnapshot).toEqual(fromApi);
});

test("a machine that lost all but its kubelet goes on from a restored etcd and the recovered assets", async () => {
  const peer = `https://${machine.address}:2380`;
  const name = machine.name;
  const lose = `set -e
systemctl stop kubelet etcd
systemctl restart slipway-pods containerd
cd /etc/kubernetes
rm -rf manifests/* inactive-manifests checkpoint-secrets checkpoint-configmaps pki/ca.key /var/lib/etcd/member /root/restored
etcdutl snapshot restore /assets/backup.db --data-dir /root/restored --name ${name} --initial-cluster ${name}=${peer} --initial-advertise-peer-urls ${peer}
mv /root/restored/member /var/lib/etcd/
systemctl start etcd kubelet`;
  await machine.exec(["/bin/sh", "-c", lose]);
  const { exitCode, stderr } = await machine.start(["--asset-dir", "/assets/recovered"]);
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain("the control plane is self-hosted");
  const files = await listing();
  expect(files).not.toContain("bootstrap");
  expect(files).toMatch(/pki\/ca\.key 600 /);
  expect(await machine.kubectl(["get", "secret", "kept", "-o", "jsonpath={.data.word}"])).toBe(
    Buffer.from("here").toString("base64"),
  );
  await machine.kubectl(["-n", "kube-system", "rollout", "status", "deploy/coredns", "--timeout=120s"]);
  // Once more: it is done.
  const again = await machine.start(["--asset-dir", "/assets/recovered"]);
  expect(again.exitCode, again.stderr).toBe(0);
  expect(await listing()).not.toContain("bootstrap");
});

test("nothing of it touched the host", async () => {
  await machine[Symbol.asyncDispose]();
  expect(await hostState()).toEqual(before);
});
