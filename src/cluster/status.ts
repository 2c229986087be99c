import { readFile } from "node:fs/promises";
import type { Context } from "../base/context.js";
import { exists } from "../base/files.js";
import { connect } from "../kube/client.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import type { Machine, MachineDriver } from "../machines/driver.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { ownServer } from "./api-server.js";
import { type CertificateStatus, checkCertificates } from "./certs.js";
import { type CertificateAdvice, certificateAdvice } from "./certs-advice.js";
import { hostDriver } from "./driver.js";
import { sandboxPart } from "./metal.js";
import { profilePaths, readProfile } from "./profile.js";

/** A node's state, in minikube's words, which scripts know. */
export interface NodeStatus {
  name: string;
  role: "control-plane" | "worker";
  address: string;
  host: "Running" | "Stopped" | "Paused" | "Broken" | "Nonexistent";
  kubelet: "Running" | "Stopped" | "Paused";
  /** Only on control-plane nodes. */
  apiServer?: "Running" | "Stopped" | "Paused" | "Error";
  kubeconfig?: "Configured" | "Missing";
  /** Of the whole cluster, by the machine's clock; only on control-plane nodes. */
  certificates?: "Valid" | "Expired" | "NotYetValid" | "Unusable" | "Missing";
}

export interface ClusterStatus {
  name: string;
  kubernetesVersion: string;
  nodes: NodeStatus[];
  /** What is wrong with the certificates, and what helps. */
  advice?: CertificateAdvice;
}

/** How long a status waits for an API server or a unit that does not answer. */
const patienceMs = 3000;

/** @throws {SlipwayError} `PROFILE_NOT_FOUND` */
export async function clusterStatus(name: string, context: Context): Promise<ClusterStatus> {
  const spec = sandboxPart((await readProfile(name, context)).spec);
  const driver = hostDriver(context);
  const machines = new Map((await driver.list(name)).map((machine) => [machine.name, machine]));
  const certificates = await checkCertificates(name, context);
  const nodes = await Promise.all(
    spec.nodes.map(async (node): Promise<NodeStatus> => {
      const machine = machines.get(node.name);
      const controlPlane = node.role === "control-plane";
      return {
        name: node.name,
        role: node.role,
        address: machine?.address ?? "",
        host: hostWord(machine),
        kubelet: await kubeletWord(driver, machine),
        ...(controlPlane ? { apiServer: await apiServerWord(spec, machine, context) } : {}),
        ...(controlPlane
          ? { kubeconfig: (await exists(profilePaths(name, context).kubeconfig)) ? "Configured" : "Missing" }
          : {}),
        ...(controlPlane ? { certificates: certificatesWord(certificates) } : {}),
      };
    }),
  );
  // Before the first start there is none.
  const advice = certificates.some(({ state }) => state !== "missing")
    ? certificateAdvice(spec, certificates, context.clock.now())
    : undefined;
  return { name, kubernetesVersion: spec.kubernetesVersion, nodes, ...(advice ? { advice } : {}) };
}

function certificatesWord(all: readonly CertificateStatus[]): NonNullable<NodeStatus["certificates"]> {
  const states = new Set(all.map(({ state }) => state));
  if (states.has("expired")) return "Expired";
  if (states.has("not yet valid")) return "NotYetValid";
  if (states.size === 1 && states.has("missing")) return "Missing";
  return [...states].every((state) => state === "ok" || state === "expires soon") ? "Valid" : "Unusable";
}

function hostWord(machine: Machine | undefined): NodeStatus["host"] {
  if (!machine) return "Nonexistent";
  return ({ running: "Running", stopped: "Stopped", paused: "Paused", broken: "Broken" } as const)[
    machine.state
  ];
}

async function kubeletWord(
  driver: MachineDriver,
  machine: Machine | undefined,
): Promise<NodeStatus["kubelet"]> {
  if (machine?.state === "paused") return "Paused";
  if (machine?.state !== "running") return "Stopped";
  const { stdout } = await driver.exec(machine.cluster, machine.name, ["systemctl", "is-active", "kubelet"], {
    allowFailure: true,
    timeoutMs: patienceMs,
  });
  return stdout.trim() === "active" ? "Running" : "Stopped";
}

async function apiServerWord(
  spec: ClusterSpec,
  machine: Machine | undefined,
  context: Context,
): Promise<NonNullable<NodeStatus["apiServer"]>> {
  if (machine?.state === "paused") return "Paused";
  if (machine?.state !== "running") return "Stopped";
  try {
    const { kubeconfig } = profilePaths(spec.metadata.name, context);
    const credentials = credentialsFromKubeconfig(await readFile(kubeconfig, "utf8"));
    await using client = connect({ ...credentials, server: ownServer(spec, machine.address) });
    const { status } = await client.request({
      method: "GET",
      path: "/readyz",
      timeoutMs: patienceMs,
      signal: context.signal,
    });
    return status === 200 ? "Running" : "Error";
  } catch {
    context.signal.throwIfAborted();
    return "Stopped";
  }
}
