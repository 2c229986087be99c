import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { TestHome } from "../harness.js";
import { checkpointer, ports, standIns } from "./stand-ins.js";

// The checkpointer on a real node, with agnhost under the names of control-plane components, and the node's real API server
// taken away. Each test goes on where the last one ended.
const profile = "ckpt";
const apiServer = "kube-system-kube-apiserver.json";
const scheduler = "kube-system-kube-scheduler.json";
const self = "kube-system-pod-checkpointer.json";
let home: TestHome;
let address: string;

beforeAll(async () => {
  home = await TestHome.create();
  await home.slipway(["start", "-p", profile]);
  address = (await home.slipway(["ip", "-p", profile])).stdout;
  const fetched = await home.slipway([
    "components",
    "fetch",
    "pod-checkpointer-image",
    "agnhost-image",
    "-o",
    "json",
  ]);
  const images = imagesOf(fetched.stdout);
  await home.slipway(["image", "load", "-p", profile, ...images.map(({ path }) => path)]);
  const { image } = images.find(({ name }) => name === "pod-checkpointer-image")!;
  await apply([...standIns(), ...(await checkpointer(home, profile, image, `https://${address}:6443`))]);
});
afterAll(() => home[Symbol.asyncDispose]());

/** The last line is the command's own answer; those before it are events. */
function imagesOf(output: string): { name: string; image: string; path: string }[] {
  return JSON.parse(output.trim().split("\n").at(-1)!).data.components;
}

const apply = (items: object[]) =>
  home.kubectl(profile, ["apply", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });

const system = (...args: string[]) => home.kubectl(profile, ["-n", "kube-system", ...args]);

async function onNode(command: string): Promise<string> {
  return (await home.slipway(["ssh", "-p", profile, "--", command], { allowFailure: true })).stdout.trim();
}

const filesIn = async (directory: string) =>
  (await onNode(`ls /etc/kubernetes/${directory}`)).split("\n").filter(Boolean);
const stored = () => filesIn("inactive-manifests");
const active = () => filesIn("manifests");
const checkpoint = (name: string) => onNode(`cat /etc/kubernetes/inactive-manifests/${name}`);

/** Asks the copy, which is on the node's network; the original is on the pods'. */
async function copyAnswers(path = "/healthz"): Promise<string | undefined> {
  const url = `http://${address}:${ports["kube-apiserver"]}${path}`;
  const { stdout, exitCode } = await run("curl", ["-sf", "--max-time", "2", url], { allowFailure: true });
  return exitCode === 0 ? stdout : undefined;
}

async function until<T>(
  what: string,
  look: () => Promise<T>,
  isDone: (seen: T) => boolean,
  timeoutMs = 90_000,
) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isDone(seen)) return seen;
    if (performance.now() > end) {
      const log = await onNode("cat /var/log/containers/pod-checkpointer*.log | tail -30");
      expect.fail(`${what}: last seen ${JSON.stringify(seen)}\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

test("what has been healthy for a while is checkpointed, and the checkpointer stands as a static pod", async () => {
  await until("three checkpoints", stored, (files) => files.length === 3);
  await until("its own copy", active, (files) => files.includes(self));
  expect(await active()).toEqual([self]);
  await until(
    "two checkpointers",
    async () => (await system("get", "pods", "-l", "k8s-app=pod-checkpointer", "-o", "name")).stdout,
    (pods) => pods.includes(`pod/pod-checkpointer-${profile}`),
  );
  const data = "/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver/secret";
  expect(await onNode(`cat ${data}/deep/word && stat -L -c ' %a %g' ${data}/deep/word`)).toBe(
    "swordfish 440 2000",
  );
  expect(await onNode("stat -c %a /etc/kubernetes/checkpoint-secrets")).toBe("700");
});

test("a rollout that cannot work is undone, and never becomes the checkpoint", async () => {
  const before = await checkpoint(apiServer);
  await until(
    "the good revision is known",
    async () => (await system("get", "daemonset/kube-apiserver", "-o", "json")).stdout,
    (text) => text.includes("slipway.dev/last-good-revision"),
  );
  await system("set", "image", "daemonset/kube-apiserver", "main=slipway.local/agnhost:nope");
  // The old pod went first, so its copy stands in meanwhile.
  await until("the copy answers", copyAnswers, (answer) => answer !== undefined);
  const image = [
    "get",
    "daemonset/kube-apiserver",
    "-o",
    "jsonpath={.spec.template.spec.containers[0].image}",
  ];
  await until(
    "the template is back",
    async () => (await system(...image)).stdout,
    (name) => name === "slipway.local/agnhost:2.63.0",
  );
  await system("rollout", "status", "daemonset/kube-apiserver", "--timeout=60s");
  await until("the copy is gone", active, (files) => !files.includes(apiServer));
  expect(JSON.parse(await checkpoint(apiServer))).toEqual(JSON.parse(before));
  const { metadata } = JSON.parse((await system("get", "daemonset/kube-apiserver", "-o", "json")).stdout);
  expect(metadata.annotations["slipway.dev/rolled-back"]).toMatch(/ImagePull|ErrImage/);
  const events = await system("get", "events", "--field-selector=reason=RolledBack", "-o", "name");
  expect(events.stdout.split("\n").filter(Boolean)).toHaveLength(1);
});

describe("with the API server and the originals gone", () => {
  test("the kubelet runs the copy, with its Secrets and ConfigMaps", async () => {
    await onNode("systemctl stop kubelet kube-apiserver");
    // What a reboot leaves: no container runs, and the kubelet knows nothing but its static pods.
    const killed = await onNode(
      "for task in $(ctr -n k8s.io tasks list -q); do ctr -n k8s.io tasks kill -s KILL $task; done; systemctl start kubelet",
    );
    expect(killed).not.toContain("ctr:");
    await until("the copy answers", copyAnswers, (answer) => answer !== undefined, 120_000);
    const read = await copyAnswers(
      "/shell?cmd=cat%20/secret/deep/word%20/config/settings%3B%20echo%20$WORD%3B%20id%20-u",
    );
    expect(JSON.parse(read!).output).toBe("swordfisha: 1\nswordfish\n1000\n");
  });

  test("it goes when the original is healthy again, and not before", async () => {
    await onNode("systemctl start kube-apiserver");
    await home.eventually(profile, ["get", "--raw", "/readyz"], 60_000);
    await until("the copy is told to go", active, (files) => !files.includes(apiServer));
    const pods = JSON.parse(
      (await system("get", "pods", "-l", "k8s-app=kube-apiserver", "-o", "json")).stdout,
    ).items as {
      metadata: { ownerReferences: { kind: string }[] };
      status: { conditions: { type: string; status: string }[] };
    }[];
    const original = pods.find(({ metadata }) => metadata.ownerReferences[0]?.kind === "DaemonSet");
    expect(original?.status.conditions.find(({ type }) => type === "Ready")?.status).toBe("True");
    await until("the copy is gone", copyAnswers, (answer) => answer === undefined);
    expect(await stored()).toHaveLength(3);
  });
});

test("an upgrade of the checkpointer leaves the checkpoints alone and reaches its own copy", async () => {
  const inodes = () =>
    onNode(
      `ls -i /etc/kubernetes/inactive-manifests/${apiServer} /etc/kubernetes/inactive-manifests/${scheduler}`,
    );
  const before = await inodes();
  await system("set", "env", "daemonset/pod-checkpointer", "GENERATION=2");
  await system("rollout", "status", "daemonset/pod-checkpointer", "--timeout=90s");
  await until(
    "its copy is of the new revision",
    () => onNode(`cat /etc/kubernetes/manifests/${self}`),
    (text) => text.includes("GENERATION"),
  );
  expect(await inodes()).toBe(before);
});

test("the checkpoint of a workload that is deleted goes after the grace period", async () => {
  await system("delete", "deployment/kube-scheduler");
  await until("its checkpoint is gone", stored, (files) => !files.includes(scheduler));
  expect(await active()).toEqual([self]);
  expect(await onNode("ls /etc/kubernetes/checkpoint-secrets/kube-system")).not.toContain("kube-scheduler");
});

test("when the checkpointer itself is deleted, nothing of it remains", async () => {
  await system("delete", "daemonset/pod-checkpointer");
  await until("the checkpoints are gone", stored, (files) => files.length === 0);
  await until("its copy is gone", active, (files) => files.length === 0);
  await until(
    "its pods are gone",
    async () => (await system("get", "pods", "-l", "k8s-app=pod-checkpointer", "-o", "name")).stdout,
    (pods) => pods === "",
  );
  expect(await onNode("find /etc/kubernetes/checkpoint-* -type f")).toBe("");
  // The workload goes on as before.
  await system("rollout", "status", "daemonset/kube-apiserver", "--timeout=10s");
});
