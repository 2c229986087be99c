import { readFile } from "node:fs/promises";
import type { Context } from "../base/context.js";
import { isSlipwayError, SlipwayError, systemCode } from "../base/errors.js";
import type { MachineDriver } from "../machines/driver.js";
import type { KubeObject } from "../plan/kube-object.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { parseManifest } from "./manifest-text.js";

/**
 * Reads the objects of the CNI manifest that a spec names; none when it names none.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when the file is not there or holds something else.
 */
export async function readCniManifest({ network: { cni } }: ClusterSpec): Promise<KubeObject[]> {
  if (typeof cni === "string") return [];
  return parseManifest(await readText(cni.manifest), cni.manifest);
}

/**
 * As `readCniManifest`, for a start: a file that has gone since its cluster was made is no reason not to start it, for what
 * was in it is in the cluster.
 */
export async function cniManifest(
  spec: ClusterSpec,
  driver: MachineDriver,
  context: Context,
): Promise<KubeObject[]> {
  try {
    return await readCniManifest(spec);
  } catch (error) {
    const isGone = isSlipwayError(error) && systemCode(error.cause) === "ENOENT";
    if (!isGone || (await driver.list(spec.metadata.name)).length === 0) throw error;
    context.events({
      type: "warning",
      message: `${error.message}; the cluster keeps the network that it has`,
    });
    return [];
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why =
      systemCode(cause) === "ENOENT" ? "there is no such file" : `cannot be read (${systemCode(cause)})`;
    throw new SlipwayError("CONFIG_INVALID", `network.cni: ${path}: ${why}`, {
      hint: "give --cni the path of a manifest, or one of bridge, flannel, none",
      cause,
    });
  }
}
