import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, systemCode } from "../../base/errors.js";
import {
  makeDirectory,
  readJson,
  readTextIfPresent,
  syncDirectory,
  writeFileAtomic,
  writeJsonAtomic,
} from "../../base/files.js";
import { type StagedDirectory, stageDataDirectory } from "./data-directory.js";
import {
  activatedAtAnnotation,
  fingerprintAnnotation,
  revisionAnnotation,
  type StaticCopy,
  type StaticPod,
} from "./static-copy.js";
import { copyKindAnnotation, copyWorkloadAnnotation, keyOf, type Workload } from "./workload.js";

/** A checkpoint on the disk. */
export interface StoredCheckpoint {
  workload: Workload;
  manifest: StaticPod;
  fingerprint: string;
  revision: string;
  /** Whether the kubelet has a copy of it among its static pods. */
  active: boolean;
}

/** Beside the checkpoints, so that whoever takes them away takes it along; no manifest, to us or to a kubelet. */
const clusterFile = ".cluster-uid";

/** Manifests hold the values of Secrets where a pod's environment had them. */
const manifestMode = 0o600;

/**
 * The checkpoints in `/etc/kubernetes`: `inactive-manifests/<namespace>-<name>.json`, their data beside it, and the activated
 * ones in the kubelet's `manifests/`. Files there that are not ours are never touched.
 */
export class CheckpointDisk {
  readonly #directory: string;
  readonly #inactive: string;
  readonly #active: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#inactive = join(directory, "inactive-manifests");
    this.#active = join(directory, "manifests");
  }

  async prepare(): Promise<void> {
    await makeDirectory(this.#inactive, { mode: 0o700 });
    await makeDirectory(this.#active);
  }

  /** Reads what is there, by the workload's key. An activated copy whose checkpoint is missing is one itself. */
  async load(onProblem: (file: string, problem: string) => void): Promise<Map<string, StoredCheckpoint>> {
    const found = new Map<string, StoredCheckpoint>();
    for (const manifest of await manifestsIn(this.#inactive, onProblem)) add(found, manifest, false);
    for (const manifest of await manifestsIn(this.#active, onProblem)) {
      const stored = add(found, withoutActivation(manifest), true);
      if (stored && !(await this.#isStored(stored)))
        await writeJsonAtomic(this.#path(this.#inactive, stored.workload), stored.manifest, {
          mode: manifestMode,
        });
    }
    return found;
  }

  /** The UID of the cluster that the checkpoints are of, if it was noted. */
  async cluster(): Promise<string | undefined> {
    return (await readTextIfPresent(join(this.#inactive, clusterFile)))?.trim() || undefined;
  }

  async noteCluster(uid: string): Promise<void> {
    await writeFileAtomic(join(this.#inactive, clusterFile), `${uid}\n`, { mode: manifestMode });
  }

  /** For when no checkpoint is left. */
  async forgetCluster(): Promise<void> {
    await rm(join(this.#inactive, clusterFile), { force: true });
    await syncDirectory(this.#inactive);
  }

  /**
   * Makes this the workload's checkpoint: the data first, then the manifest that needs it. All of it is on the disk before any of
   * it is seen: on a disk that is full the last good one stays as it was.
   *
   * @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED`
   */
  async store(workload: Workload, { manifest, directories }: StaticCopy): Promise<void> {
    const path = this.#path(this.#inactive, workload);
    const next = join(this.#inactive, `.${fileName(workload)}.next`);
    const staged: StagedDirectory[] = [];
    try {
      for (const directory of directories) {
        const stage = await stageDataDirectory(directory);
        if (stage) staged.push(stage);
      }
      await writeJsonAtomic(next, manifest, { mode: manifestMode });
    } catch (error) {
      for (const { discard } of staged) await discard();
      throw error;
    }
    for (const { commit } of staged) await commit();
    await rename(next, path);
    await syncDirectory(this.#inactive);
    await this.#removeData(workload, new Set(directories.map((directory) => directory.path)));
  }

  /** Gives the checkpoint to the kubelet, as a pod that it has not seen before. */
  async activate({ workload, manifest }: StoredCheckpoint, now: Date): Promise<void> {
    const annotations = { ...manifest.metadata.annotations, [activatedAtAnnotation]: now.toISOString() };
    await writeJsonAtomic(
      this.#path(this.#active, workload),
      { ...manifest, metadata: { ...manifest.metadata, annotations } },
      { mode: manifestMode },
    );
  }

  async deactivate(workload: Workload): Promise<void> {
    await rm(this.#path(this.#active, workload), { force: true });
    await syncDirectory(this.#active);
  }

  /** The kubelet's copy first: what is left by a kill is a checkpoint that is found again. */
  async remove(workload: Workload): Promise<void> {
    await this.deactivate(workload);
    await rm(this.#path(this.#inactive, workload), { force: true });
    await syncDirectory(this.#inactive);
    await this.#removeData(workload, new Set());
  }

  async #removeData({ namespace, name }: Workload, keep: ReadonlySet<string>): Promise<void> {
    for (const kind of ["checkpoint-secrets", "checkpoint-configmaps"]) {
      const directory = join(this.#directory, kind, namespace, name);
      for (const volume of await namesIn(directory)) {
        const path = join(directory, volume);
        if (!keep.has(path)) await rm(path, { recursive: true, force: true });
      }
      if (keep.size === 0) await rm(directory, { recursive: true, force: true });
    }
  }

  async #isStored({ workload }: StoredCheckpoint): Promise<boolean> {
    return (await namesIn(this.#inactive)).includes(fileName(workload));
  }

  #path(directory: string, workload: Workload): string {
    return join(directory, fileName(workload));
  }
}

const fileName = ({ namespace, name }: Workload): string => `${namespace}-${name}.json`;

async function manifestsIn(
  directory: string,
  onProblem: (file: string, problem: string) => void,
): Promise<StaticPod[]> {
  const manifests: StaticPod[] = [];
  for (const name of await namesIn(directory)) {
    // As the kubelet: names that begin with a dot are somebody's temporary files.
    if (name.startsWith(".") || !name.endsWith(".json")) continue;
    try {
      const manifest = await readJson<StaticPod>(join(directory, name));
      if (manifest?.metadata?.annotations?.[copyWorkloadAnnotation] !== undefined) manifests.push(manifest);
    } catch (error) {
      onProblem(join(directory, name), messageOf(error));
    }
  }
  return manifests;
}

function add(
  found: Map<string, StoredCheckpoint>,
  manifest: StaticPod,
  active: boolean,
): StoredCheckpoint | undefined {
  const { namespace, annotations } = manifest.metadata;
  const kind = annotations[copyKindAnnotation];
  const name = annotations[copyWorkloadAnnotation];
  if ((kind !== "DaemonSet" && kind !== "Deployment") || name === undefined) return undefined;
  const workload: Workload = { kind, namespace, name };
  const stored: StoredCheckpoint = {
    ...(found.get(keyOf(workload)) ?? {
      workload,
      manifest,
      fingerprint: annotations[fingerprintAnnotation] ?? "",
      revision: annotations[revisionAnnotation] ?? "",
    }),
    active,
  };
  found.set(keyOf(workload), stored);
  return stored;
}

function withoutActivation(manifest: StaticPod): StaticPod {
  const { [activatedAtAnnotation]: _, ...annotations } = manifest.metadata.annotations;
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
