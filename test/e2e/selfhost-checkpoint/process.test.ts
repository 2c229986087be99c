import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { start } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";
import { applyObjects, deleteObjects } from "../../../src/kube/apply.js";
import { connect, type KubeClient } from "../../../src/kube/client.js";
import type { Manifest } from "../../../src/kube/wire.js";
import { CheckpointDisk } from "../../../src/selfhost/checkpoint/disk.js";
import { staticCopy } from "../../../src/selfhost/checkpoint/static-copy.js";
import { slipwayProgram } from "../harness.js";
import { findBinaries, findContainerd } from "../kube/binaries.js";
import { type ControlPlane, startControlPlane, untilReady } from "../kube/control-plane.js";
import { rights, writeKubeconfig } from "./kubeconfig.js";

// The checkpointer's own program with a real API server and a real containerd that runs nothing: what it does to the disk, where
// a kubelet would read it. Each test goes on where the last one ended.
const program = join(dirname(dirname(slipwayProgram)), "pod-checkpointer.cjs");
const workload = { kind: "DaemonSet", namespace: "kube-system", name: "kube-apiserver" } as const;
const scope = new Scope();
let directory: string;
let controlPlane: ControlPlane;
let admin: KubeClient;
let containerd: string;
let kubeconfig: string;
let runtime: ReturnType<typeof start>;
let checkpointer: ReturnType<typeof start>;
let log = "";

const template = {
  metadata: { labels: { app: "x" } },
  spec: { automountServiceAccountToken: false, containers: [{ name: "main", image: "i" }] },
};
const daemonSet: Manifest = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: workload.name, namespace: workload.namespace },
  spec: { selector: { matchLabels: { app: "x" } }, template },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-checkpointer-"));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  containerd = await findContainerd();
  controlPlane = scope.use(await startControlPlane(await findBinaries()));
  await untilReady(controlPlane);
  admin = connect(controlPlane.admin);
  scope.defer(() => admin.close());
  await applyObjects(admin, [...rights(), daemonSet]);
  kubeconfig = await writeKubeconfig(controlPlane);
  await writeFile(
    join(directory, "containerd.toml"),
    `version = 3
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "${directory}/containerd.sock"
[ttrpc]
address = "${directory}/ttrpc.sock"
`,
  );
  startRuntime();
  scope.defer(() => stop(runtime));
  const copy = staticCopy({ metadata: { name: "x" }, spec: template.spec }, workload, new Map(), {
    directory,
    isSelf: false,
  });
  if ("refusals" in copy) throw new Error(copy.refusals.join());
  const disk = new CheckpointDisk(directory);
  await disk.prepare();
  await disk.store(workload, copy.copy);
  startCheckpointer();
  scope.defer(() => stop(checkpointer));
});
afterAll(() => scope[Symbol.asyncDispose]());

function startRuntime(): void {
  runtime = start(containerd, ["--config", join(directory, "containerd.toml")], {
    stdio: ["ignore", "ignore", "ignore"],
  });
}

function startCheckpointer(): void {
  checkpointer = start(
    process.execPath,
    [
      program,
      `--kubeconfig=${kubeconfig}`,
      `--directory=${directory}`,
      `--runtime-endpoint=unix://${directory}/containerd.sock`,
      `--lock-file=${directory}/lock`,
      "--interval=200ms",
      "--activate-after=2s",
      "--grace-period=2s",
    ],
    { env: { NODE_NAME: "node-1", POD_NAMESPACE: workload.namespace } },
  );
  checkpointer.stdout!.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
}

async function stop(process: ReturnType<typeof start>): Promise<void> {
  process.kill("SIGTERM");
  await process;
}

const active = () => readdir(join(directory, "manifests"));
const file = "kube-system-kube-apiserver.json";

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > end) expect.fail(`${what}:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const quiet = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("while the container runtime cannot be asked, nothing happens", async () => {
  await until("it has looked", async () => log.includes("a checkpoint is stored"));
  await stop(runtime);
  await until("it has seen it", async () => log.includes("trouble with the container runtime"));
  await stop(checkpointer);
  log = "";
  startCheckpointer();
  await until("it has seen it", async () => log.includes("trouble with the container runtime"));
  await quiet(3_500);
  expect(await active()).toEqual([]);
});

test("without the API server, a workload that is silent is activated", async () => {
  await controlPlane.stopApiServer();
  startRuntime();
  await until("it is activated", async () =>
    /"message":"activate".*the API server does not answer/.test(log),
  );
  expect(await active()).toEqual([file]);
});

test("SIGTERM ends it at once, and the next one goes on from the disk", async () => {
  const before = performance.now();
  await stop(checkpointer);
  expect(checkpointer.exitCode).toBe(0);
  expect(performance.now() - before).toBeLessThan(1_000);
  log = "";
  startCheckpointer();
  await until("it works", async () => log.includes('"working"'));
  await quiet(1_000);
  expect(await active()).toEqual([file]);
});

test("with the API server back and no healthy pod, it stays; without the workload, it goes", async () => {
  controlPlane.startApiServer();
  await untilReady(controlPlane);
  await until("the API answers", async () => log.includes("the API server answers again"));
  await quiet(3_000);
  expect(await active()).toEqual([file]);
  await deleteObjects(admin, [daemonSet]);
  await until("it is removed", async () => /"message":"remove".*the workload is deleted/.test(log));
  expect(await active()).toEqual([]);
  expect(await readdir(join(directory, "inactive-manifests"))).toEqual([]);
});
