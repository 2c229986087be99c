import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { Context } from "../../base/context.js";
import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { exists, makeDirectory, writeFileAtomic, writeJsonAtomic } from "../../base/files.js";
import { Scope } from "../../base/scope.js";
import { Journal } from "../../cluster/journal.js";
import { runOperation, type Step } from "../../cluster/operation.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { findWorkload, type WorkloadRef } from "../rollout.js";
import { staticWorkload } from "../static-copies.js";
import { apiPortOf, bootstrapOf, type RecoveredPod, recoveredVolumePath } from "./bootstrap-of.js";
import { type RecoveryRecord, recordName, recoverJournalName } from "./record.js";
import { openSource, type RecoveryFrom, type RecoverySource } from "./source.js";

export interface RecoverAssetsOptions {
  /** Absolute; new, empty, or recovered to before. */
  directory: string;
  from: RecoveryFrom;
  /** The text of an administrator's kubeconfig, with everything inline. */
  kubeconfig: string;
  /** The key of the cluster's authority, for machines that have lost it. */
  caKey: string | undefined;
}

interface State extends RecoverAssetsOptions {
  scope: Scope;
  source?: RecoverySource;
  pods: RecoveredPod[];
  record?: RecoveryRecord;
}

/**
 * Writes a bootstrap control plane, made of the cluster's own workloads as they are in the source, for `selfhost start` to go on
 * from: bootkube's `recover`. Nothing else is touched.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` for a directory that holds something else; `KUBECONFIG_INVALID`; `RECOVERY_IMPOSSIBLE`
 * when a workload is not in the source, or cannot be read; as `openSource`
 */
export async function recoverAssets(
  options: RecoverAssetsOptions,
  context: Context,
): Promise<RecoveryRecord> {
  const { directory } = options;
  credentialsFromKubeconfig(options.kubeconfig);
  const journalPath = join(directory, recoverJournalName);
  const there = (await exists(directory)) ? await readdir(directory) : [];
  if (there.length > 0 && !there.includes(recoverJournalName)) {
    throw new SlipwayError("CONFIG_INVALID", `${directory} is not empty, and was not made by recover`, {
      hint: "name a directory that is new or empty: --recovery-dir DIR",
    });
  }
  await makeDirectory(directory, { mode: 0o700, owner: context.owner });
  await using scope = new Scope();
  const state: State = { ...options, scope, pods: [] };
  const journal = new Journal(journalPath, context.owner);
  await runOperation("selfhost recover", steps, state, { journal, context });
  return state.record!;
}

const open: Step<State> = {
  id: "open-source",
  title: "Source",
  async run(state, context) {
    state.source = state.scope.use(await openSource(state.from, context));
    return state.from.origin;
  },
};

const read: Step<State> = {
  id: "read-workloads",
  title: "Control plane",
  async run(state, { signal }) {
    const { source, kubeconfig } = state;
    const { client, origin } = source!;
    const workloads: WorkloadRef[] = [
      { kind: "DaemonSet", name: workloadNames.apiServer },
      { kind: "Deployment", name: workloadNames.controllerManager },
      { kind: "Deployment", name: workloadNames.scheduler },
    ];
    const copies = [];
    for (const workload of workloads) {
      const copy = await readable(origin, () =>
        staticWorkload(client, workload, signal, recoveredVolumePath),
      );
      if (!copy) throw missing(workload);
      copies.push(copy);
    }
    const port = apiPortOf(copies[0]!);
    state.pods = copies.map((copy) => bootstrapOf(copy, port, kubeconfig));
    const checkpointer: WorkloadRef = { kind: "DaemonSet", name: checkpointerName };
    if (await findWorkload(client, checkpointer, signal)) workloads.push(checkpointer);
    state.record = { version: 1, from: origin, port, workloads };
    return workloads.map(({ name }) => name).join(", ");
  },
};

const missing = ({ kind, name }: WorkloadRef): SlipwayError =>
  new SlipwayError("RECOVERY_IMPOSSIBLE", `there is no ${kind} ${name} in kube-system`, {
    hint: "a control plane that was rendered begins anew from its assets: slipway selfhost start --asset-dir DIR",
  });

/** Who cannot be read from, says what else there is; Secrets in etcd are read with the key that they were written with. */
async function readable<T>(origin: RecoveryRecord["from"], look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (origin === "api" && isSlipwayError(error, "API_UNREACHABLE")) {
      throw new SlipwayError("API_UNREACHABLE", error.message, {
        details: error.details,
        hint: "without an API, read etcd (--etcd-servers), or a snapshot of it (--etcd-backup-file)",
        cause: error,
      });
    }
    if (origin === "api" || !isSlipwayError(error, "API_REFUSED")) throw error;
    throw new SlipwayError("RECOVERY_IMPOSSIBLE", `the Secrets cannot be read: ${error.message}`, {
      hint: "they are encrypted; the key is in the rendered assets (tls/kube-apiserver/encryption.yaml), and on control-plane nodes below /etc/kubernetes/checkpoint-secrets: --encryption-provider-config FILE",
      cause: error,
    });
  }
}

const write: Step<State> = {
  id: "write-assets",
  title: "Assets",
  async run({ directory, pods, kubeconfig, caKey, record }, context) {
    // The record goes first and comes last: with it the directory is whole.
    await rm(join(directory, recordName), { force: true });
    for (const name of ["auth", "bootstrap-manifests", "tls", ".slipway-start.ndjson"])
      await rm(join(directory, name), { recursive: true, force: true });
    const files = new Map<string, string | Buffer>([
      ["auth/kubeconfig", kubeconfig],
      ["tls/ca.crt", credentialsFromKubeconfig(kubeconfig).caPem],
      ...(caKey === undefined ? [] : [["tls/ca.key", caKey] as const]),
    ]);
    for (const { file, pod, files: ofPod } of pods) {
      files.set(`bootstrap-manifests/${file}`, stringify(pod));
      for (const [path, contents] of ofPod) files.set(`tls/${path}`, contents);
    }
    const secret = { mode: 0o600, ...context.owner };
    for (const [path, contents] of files) {
      await makeDirectory(dirname(join(directory, path)), { mode: 0o700, owner: context.owner });
      await writeFileAtomic(join(directory, path), contents, secret);
    }
    await writeJsonAtomic(join(directory, recordName), record, secret);
    return `${files.size + 1} files`;
  },
};

const steps: readonly Step<State>[] = [open, read, write];
