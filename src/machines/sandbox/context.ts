import { readdir } from "node:fs/promises";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { exists, readJson } from "../../base/files.js";
import type { IgnitionConfig } from "../../ignition/config.js";
import type { DriverContext, Machine, MachineState } from "../driver.js";
import type { OciConfig } from "./bundle.js";
import { type NamedAddress, refreshClusterFiles } from "./cluster-files.js";
import { clusterLayout, type MachineLayout, machineLayout } from "./layout.js";
import { containerId } from "./names.js";
import { type MachineRecord, recordFromAnnotations } from "./record.js";
import type { Runc, RuncState } from "./runc.js";

/** What all verbs of the driver work with. */
export interface Sandbox {
  stateDirectory: string;
  runc: Runc;
  applyConfig(config: IgnitionConfig, root: string, context: DriverContext): Promise<void>;
  seedVolume(from: string, to: string, context: DriverContext): Promise<void>;
  /** Runs one thing at a time for each cluster: several of its machines may be made at once. */
  exclusively<T>(cluster: string, work: () => Promise<T>): Promise<T>;
}

/** A machine as its directory and runc have it. */
export interface FoundMachine {
  layout: MachineLayout;
  id: string;
  /** undefined: the create was cut short. */
  record: MachineRecord | undefined;
  /** undefined: runc does not know it. */
  runc: RuncState | undefined;
}

/** Reads one machine; undefined when it has no directory. */
export async function findMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
): Promise<FoundMachine | undefined> {
  const layout = machineLayout(sandbox.stateDirectory, cluster, name);
  const id = containerId(cluster, name);
  const [present, record, runc] = await Promise.all([
    exists(layout.directory),
    readRecord(layout),
    sandbox.runc.state(id),
  ]);
  return present ? { layout, id, record, runc } : undefined;
}

/** @throws {SlipwayError} `MACHINE_NOT_FOUND`; `MACHINE_FAILED` when its create was cut short */
export async function requireMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
): Promise<FoundMachine & { record: MachineRecord }> {
  const found = await findMachine(sandbox, cluster, name);
  if (!found)
    throw new SlipwayError("MACHINE_NOT_FOUND", `there is no machine ${name} in cluster ${cluster}`);
  if (!found.record) {
    throw new SlipwayError("MACHINE_FAILED", `making the machine ${name} was cut short`, {
      hint: `start the cluster again, which finishes it, or delete it: slipway -p ${cluster} delete`,
    });
  }
  return { ...found, record: found.record };
}

export async function readRecord(layout: MachineLayout): Promise<MachineRecord | undefined> {
  const config = await readJson<OciConfig>(layout.config);
  return config && recordFromAnnotations(config.annotations, layout.config);
}

export const machineState = ({ record, runc }: Pick<FoundMachine, "record" | "runc">): MachineState => {
  if (runc?.status === "running" || runc?.status === "paused") return runc.status;
  return record ? "stopped" : "broken";
};

export function toMachine(
  cluster: string,
  name: string,
  found: Pick<FoundMachine, "record" | "runc">,
): Machine {
  const state = machineState(found);
  const alive = state === "running" || state === "paused";
  return {
    cluster,
    name,
    role: found.record?.role ?? "worker",
    address: found.record?.address ?? "",
    state,
    ...(alive && found.runc ? { pid: found.runc.pid } : {}),
  };
}

/** Names of the machines of a cluster that have a directory, in order. */
export const machineNames = (sandbox: Sandbox, cluster: string): Promise<string[]> =>
  directoryNames(clusterLayout(sandbox.stateDirectory, cluster).machines);

export const clusterNames = (sandbox: Sandbox): Promise<string[]> => directoryNames(sandbox.stateDirectory);

async function directoryNames(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** The records of a cluster's machines that are complete. */
export async function clusterRecords(sandbox: Sandbox, cluster: string): Promise<MachineRecord[]> {
  const names = await machineNames(sandbox, cluster);
  const records = await Promise.all(
    names.map((name) => readRecord(machineLayout(sandbox.stateDirectory, cluster, name))),
  );
  return records.filter((record) => record !== undefined);
}

/** Writes the cluster's hosts and resolv.conf anew from the machines that there are. */
export const refreshFiles = (sandbox: Sandbox, cluster: string): Promise<void> =>
  sandbox.exclusively(cluster, async () => {
    const records: NamedAddress[] = await clusterRecords(sandbox, cluster);
    await refreshClusterFiles(clusterLayout(sandbox.stateDirectory, cluster), records);
  });
