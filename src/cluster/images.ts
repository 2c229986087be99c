import { basename } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { exists } from "../base/files.js";
import { readImageArchive } from "../components/oci/read-archive.js";
import type { Machine, MachineDriver } from "../machines/driver.js";
import { hostDriver } from "./driver.js";
import { readProfile } from "./profile.js";

const ctr = ["/usr/local/bin/ctr", "--namespace", "k8s.io"];

/**
 * Puts image archives (`docker save`, or an OCI layout as a tar file) into every node's container runtime.
 *
 * @returns the references that the images go by.
 * @throws {SlipwayError} `IMAGE_INVALID` before any node is touched; `MACHINE_NOT_RUNNING`
 */
export async function loadImages(name: string, archives: string[], context: Context): Promise<string[]> {
  const references: string[] = [];
  for (const archive of archives) {
    if (!(await exists(archive))) {
      throw new SlipwayError("IMAGE_INVALID", `there is no file ${archive}`, {
        hint: "give the path of an archive: docker save IMAGE -o image.tar",
      });
    }
    references.push(...(await readImageArchive(archive)).references);
  }
  await importImages(name, archives, context);
  return references;
}

/** As `loadImages`, for archives of our own making. */
export async function importImages(name: string, archives: string[], context: Context): Promise<void> {
  const { driver, machines } = await runningMachines(name, context);
  for (const archive of archives) {
    await Promise.all(machines.map((machine) => importArchive(driver, machine, archive, context)));
  }
}

async function importArchive(
  driver: MachineDriver,
  machine: Machine,
  archive: string,
  context: Context,
): Promise<void> {
  // On the node's real disk: its /tmp is memory.
  const onNode = `/var/lib/containerd/slipway-import-${process.pid}-${basename(archive)}`;
  const progress = {
    type: "progress",
    subject: `${basename(archive)} on ${machine.name}`,
    phase: "import",
    unit: "files",
  } as const;
  context.events({ ...progress, done: 0, total: 1, state: "running" });
  try {
    await driver.copyIn(machine.cluster, machine.name, archive, onNode, context);
    await driver.exec(machine.cluster, machine.name, [...ctr, "images", "import", "--local", onNode], {
      signal: context.signal,
    });
    context.events({ ...progress, done: 1, total: 1, state: "ok" });
  } catch (error) {
    context.events({ ...progress, done: 0, total: 1, state: "failed" });
    throw error;
  } finally {
    await driver.exec(machine.cluster, machine.name, ["rm", "-f", onNode], { allowFailure: true });
  }
}

/** An image, and the nodes that have it. */
export interface NodeImageEntry {
  reference: string;
  nodes: string[];
}

export async function listImages(name: string, context: Context): Promise<NodeImageEntry[]> {
  const { driver, machines } = await runningMachines(name, context);
  const byReference = new Map<string, string[]>();
  for (const machine of machines) {
    const { stdout } = await driver.exec(name, machine.name, [...ctr, "images", "list", "--quiet"], {
      signal: context.signal,
    });
    // containerd also lists each image under its digest; people know it by its name.
    for (const reference of stdout.split("\n").filter((line) => line && !line.startsWith("sha256:"))) {
      byReference.set(reference, [...(byReference.get(reference) ?? []), machine.name]);
    }
  }
  return [...byReference]
    .map(([reference, nodes]) => ({ reference, nodes }))
    .sort((a, b) => a.reference.localeCompare(b.reference));
}

/** @throws {SlipwayError} `IMAGE_INVALID` when no node has the image. */
export async function removeImages(name: string, references: string[], context: Context): Promise<void> {
  const present = await listImages(name, context);
  for (const reference of references) {
    const entry = present.find(
      (image) => image.reference === reference || image.reference === `docker.io/library/${reference}`,
    );
    if (!entry) {
      throw new SlipwayError("IMAGE_INVALID", `no node has an image ${reference}`, {
        hint: `see: slipway image list -p ${name}`,
      });
    }
    const driver = hostDriver(context);
    await Promise.all(
      entry.nodes.map((node) =>
        driver.exec(name, node, [...ctr, "images", "remove", "--sync", entry.reference], {
          signal: context.signal,
        }),
      ),
    );
  }
}

async function runningMachines(
  name: string,
  context: Context,
): Promise<{ driver: MachineDriver; machines: Machine[] }> {
  await readProfile(name, context);
  const driver = hostDriver(context);
  const machines = await driver.list(name);
  const off = machines.find(({ state }) => state !== "running");
  if (off || machines.length === 0) {
    throw new SlipwayError(
      "MACHINE_NOT_RUNNING",
      off ? `the node ${off.name} is ${off.state}` : `profile "${name}" has no nodes`,
      {
        hint: `start it first: slipway start -p ${name}`,
      },
    );
  }
  return { driver, machines };
}
