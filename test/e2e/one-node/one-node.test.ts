import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostState, netexec, TestHome } from "../harness.js";

// One node's whole life, as a user has it: each test goes on where the last one ended.
const profile = "one";
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
  await home.slipway(["start", "-p", profile, "--image", "agnhost", "--addons", "metrics-server"]);
});
afterAll(() => home[Symbol.asyncDispose]());

test("the node is Ready and runs unmodified upstream Kubernetes", async () => {
  const { stdout } = await home.kubectl(profile, ["get", "nodes", "-o", "json"]);
  const [node] = JSON.parse(stdout).items;
  expect(node.metadata.name).toBe(profile);
  expect(node.status.nodeInfo.kubeletVersion).toBe("v1.36.3");
  expect(node.status.conditions.find((c: { type: string }) => c.type === "Ready").status).toBe("True");
});

test("plain kubectl works through the merged kubeconfig", async () => {
  const merged = await readFile(home.env.KUBECONFIG!, "utf8");
  expect(merged).toContain("current-context: one");
});

test("a Deployment behind a Service answers by its DNS name; exec and logs work", async () => {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("web") });
  await home.kubectl(profile, ["rollout", "status", "deployment/web", "--timeout=60s"]);
  const answer = await home.fetchFrom(profile, "web", "http://web.default.svc.cluster.local/hostname");
  expect(answer.stdout).toMatch(/^web-/);
  const logs = await home.kubectl(profile, ["logs", "deployment/web"]);
  expect(logs.stdout + logs.stderr).toContain("Started HTTP server");
});

test("kubectl goes past the user's proxy, which does not know the nodes", async () => {
  const env = { HTTPS_PROXY: "http://127.0.0.1:9" };
  const { stdout } = await home.kubectl(profile, ["get", "nodes", "-o", "name"], { env });
  expect(stdout).toBe(`node/${profile}`);
});

test("kubectl top works", async () => {
  const { stdout } = await home.eventually(profile, ["top", "nodes", "--no-headers"], 90_000);
  expect(stdout).toMatch(/^one\s+\d+m/);
  // Through the aggregated API, whose server's certificate was checked.
  const service = await home.kubectl(profile, ["get", "apiservice", "v1beta1.metrics.k8s.io", "-o", "json"]);
  const { spec } = JSON.parse(service.stdout) as { spec: Record<string, unknown> };
  expect(spec.insecureSkipTLSVerify ?? false).toBe(false);
  expect(Buffer.from(String(spec.caBundle), "base64").toString()).toBe(
    await readFile(home.profileFile(profile, "pki/ca.crt"), "utf8"),
  );
});

const claim = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "writer" },
      spec: {
        selector: { matchLabels: { app: "writer" } },
        template: {
          metadata: { labels: { app: "writer" } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: "writer",
                image: "slipway.local/agnhost:2.63.0",
                args: ["pause"],
                volumeMounts: [{ name: "data", mountPath: "/data" }],
              },
            ],
            volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
          },
        },
      },
    },
  ],
});

test("a PersistentVolumeClaim's data survives stop and start", async () => {
  await home.kubectl(profile, ["apply", "-f", "-"], { input: claim });
  await home.kubectl(profile, ["rollout", "status", "deployment/writer", "--timeout=90s"]);
  await home.kubectl(profile, [
    "exec",
    "deployment/writer",
    "--",
    "sh",
    "-c",
    "echo kept > /data/file && sync",
  ]);
  const ca = await home.caFingerprint(profile);

  await home.slipway(["stop", "-p", profile]);
  const stopped = await home.slipway(["status", "-p", profile, "-o", "json"], { allowFailure: true });
  expect(stopped.exitCode).not.toBe(0);
  expect(stopped.stdout).toContain("Stopped");

  await home.slipway(["start", "-p", profile]);
  expect(await home.caFingerprint(profile)).toBe(ca);
  const { stdout } = await home.eventually(profile, ["exec", "deployment/writer", "--", "cat", "/data/file"]);
  expect(stdout).toBe("kept");
  await home.fetchFrom(profile, "web", "http://web/hostname");
});

test("pause freezes, unpause goes on", async () => {
  await home.slipway(["pause", "-p", profile]);
  const paused = await home.slipway(["status", "-p", profile, "-o", "json"], { allowFailure: true });
  expect(paused.stdout).toContain("Paused");
  await home.slipway(["unpause", "-p", profile]);
  await home.eventually(profile, ["get", "--raw", "/readyz"]);
});

test("secrets are encrypted in etcd; anonymous requests reach the health paths only", async () => {
  await home.kubectl(profile, ["create", "secret", "generic", "topsecret", "--from-literal=word=swordfish"]);
  const raw = await home.slipway(["ssh", "-p", profile, "--", "grep", "-rc", "swordfish", "/var/lib/etcd"], {
    allowFailure: true,
  });
  expect(raw.stdout).not.toMatch(/:[1-9]/);
  const ip = (await home.slipway(["ip", "-p", profile])).stdout;
  const anonymous = async (path: string) => {
    const url = `https://${ip}:6443${path}`;
    const { stdout } = await home
      .slipway(["ssh", "-p", profile, "--", "true"])
      .then(() =>
        import("../../../src/base/run.js").then(({ run }) =>
          run("curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code}", url]),
        ),
      );
    return stdout;
  };
  expect(await anonymous("/readyz")).toBe("200");
  expect(await anonymous("/api/v1/namespaces")).toBe("401");
});

test("cp, ssh, logs and ip", async () => {
  await home.slipway(["cp", "-p", profile, "/etc/hostname", `${profile}:/root/copied`]);
  const read = await home.slipway(["ssh", "-p", profile, "--", "cat", "/root/copied"]);
  expect(read.stdout).toBe((await readFile("/etc/hostname", "utf8")).trim());
  const failing = await home.slipway(["ssh", "-p", profile, "--", "sh", "-c", "exit 7"], {
    allowFailure: true,
  });
  expect(failing.exitCode).toBe(7);
  const line = await home.slipway(["ssh", "-p", profile, "--", "cd /etc && pwd; exit 8"], {
    allowFailure: true,
  });
  expect([line.stdout, line.exitCode]).toEqual(["/etc", 8]);
  const logs = await home.slipway(["logs", "-p", profile, "--unit", "kubelet"]);
  expect(logs.stdout).toContain("kubelet");
});

test("after delete nothing of ours remains on the host", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
  expect(await readFile(home.env.KUBECONFIG!, "utf8")).not.toContain("one");
});
