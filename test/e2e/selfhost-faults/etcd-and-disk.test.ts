import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkpointerObjects } from "../../../src/plan/selfhosted/checkpointer.js";
import { hostState, TestHome } from "../harness.js";
import { Subject } from "../snapshot/app.js";
import { FaultyCluster } from "./cluster.js";
import { SmallDisk } from "./small-disk.js";

// An etcd that is slow, a disk that fills in the middle of something, an etcd that is emptied while nobody watches. Each test goes
// on where the last one ended.
const profile = "illdisk";
const before = "v1.35.4";
const after = "v1.36.3";
const upgrade = ["upgrade", "--to", after];
let home: TestHome;
let disk: SmallDisk;
let cluster: FaultyCluster;
let app: Subject;
let hostBefore: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  hostBefore = await hostState();
  home = await TestHome.create();
  disk = await SmallDisk.under(home, 8);
  cluster = new FaultyCluster(home, profile);
  app = new Subject(home, profile);
});
afterAll(async () => {
  await home.slipway(["delete", "--all"], { allowFailure: true });
  await disk[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

test("a start and a snapshot, with an etcd that is slow from its first moment on", async () => {
  const args = ["--bootstrapper", "selfhosted", "--kubernetes-version", before, "--image", "agnhost"];
  const starting = home.slipway(["start", "-p", profile, ...args]);
  await using _slow = await cluster.slowEtcdOnceThere();
  await starting;
  await home.slipway(["snapshot", "save", "--name", "slow", "-p", profile]);
  await app.make();
  await cluster.expectWell(before);
});

test("a start with another flag says that the control plane does not have it, and what brings it in", async () => {
  const flag = "--extra-config=apiserver.max-requests-inflight=500";
  const { stderr } = await home.slipway(["start", "-p", profile, flag]);
  expect(stderr).toContain("runs on without kube-apiserver --max-requests-inflight=500");
  expect(stderr).toContain(`slipway selfhost unpivot -p ${profile}`);
});

test("a disk that fills while a snapshot is taken: it is told, nothing is left of it, and the next one is taken", async () => {
  await disk.fill(400 * 1024);
  try {
    const failed = await home.slipway(["snapshot", "save", "--name", "full", "-p", profile], {
      allowFailure: true,
    });
    expect(failed.exitCode, failed.stderr).toBe(26);
    expect(failed.stderr).toMatch(/the disk of illdisk is full|no space left to write/);
  } finally {
    await disk.empty();
  }
  expect(await cluster.inNode("ls /var/lib/slipway/outgoing 2>/dev/null || true")).toBe("");
  const listed = await home.slipway(["snapshot", "list", "-p", profile, "-o", "json"]);
  expect((JSON.parse(listed.stdout) as { name: string }[]).map(({ name }) => name)).toEqual(["slow"]);
  await home.slipway(["snapshot", "save", "--name", "full", "-p", profile]);
});

test("a disk that fills in the middle of an upgrade: it is told, and with space again the upgrade goes on", async () => {
  let filling: Promise<void> | undefined;
  try {
    const failed = await cluster.selfhost(upgrade, {
      allowFailure: true,
      onLine: (line) => {
        if (line.includes("imported kube-apiserver")) filling ??= disk.fill(1024 * 1024);
      },
    });
    await filling;
    expect(failed.exitCode, failed.stderr).toBe(26);
    expect(failed.stderr).toMatch(/the disk of illdisk is full/);
  } finally {
    await disk.empty();
  }
  await home.eventually(profile, ["get", "--raw", "/readyz"]);
  await using _slow = await cluster.slowEtcd();
  await cluster.selfhost(upgrade);
  await cluster.expectWell(after);
  await app.expectAsMade();
});

test("an etcd that was emptied: its checkpoints stay, whatever the API says of workloads, and bring it back", async () => {
  const copies = () => cluster.inNode("ls /etc/kubernetes/inactive-manifests");
  const eventually = async (what: string, holds: () => Promise<boolean>) => {
    const until = performance.now() + 60_000;
    while (!(await holds())) {
      if (performance.now() > until) expect.fail(`not in a minute: ${what}\n${await log()}`);
      await delay(1_000);
    }
  };
  const log = () => cluster.inNode("cat /var/log/containers/pod-checkpointer*.log");
  const there = await copies();
  expect(there.split("\n").filter(Boolean)).toHaveLength(4);
  await eventually("checkpoints of the new version", async () => {
    const images = await cluster.inNode(
      "grep -h '\"image\": .*kube-' /etc/kubernetes/inactive-manifests/*.json",
    );
    return !images.includes(before);
  });
  await cluster.inNode("systemctl stop etcd; rm -rf /var/lib/etcd/member; systemctl start etcd");
  // Else it goes on with what it remembers.
  await cluster.inNode("pkill -KILL -x kube-apiserver");
  // Nobody else has rights in it.
  const breakGlass = `--kubeconfig=${home.profileFile(profile, "break-glass.kubeconfig")}`;
  await home.eventually(profile, [breakGlass, "get", "namespace", "kube-system"]);
  const rights = checkpointerObjects().filter(({ kind }) => kind === "Role" || kind === "RoleBinding");
  const file = join(home.directory, "rights.json");
  await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: rights }));
  await home.eventually(profile, [breakGlass, "apply", "-f", file]);
  await eventually("another cluster is told from the one that it knows", async () =>
    /checkpoints here are of cluster .* it serves .* counts as away/.test(await log()),
  );
  await delay(5_000);
  expect(await log()).not.toMatch(/"to":"\w+-grace"/);
  expect(await copies()).toBe(there);

  const { stderr } = await home.slipway(["selfhost", "recover", "-p", profile, "--from", "checkpoints"]);
  expect(stderr).toContain("no other object of the cluster does");
  await cluster.expectWell(after);
  const uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
  expect((await cluster.inNode("cat /etc/kubernetes/inactive-manifests/.cluster-uid")).trim()).toBe(
    (await home.kubectl(profile, uid)).stdout,
  );
});

test("nothing is left", async () => {
  await home.slipway(["delete", "-p", profile]);
  await disk[Symbol.asyncDispose]();
  expect(await hostState()).toEqual(hostBefore);
});
