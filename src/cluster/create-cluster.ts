import type { Context } from "../base/context.js";
import { type RunOptions, type RunResult, run } from "../base/run.js";
import type { ClusterForm } from "../spec/schema.js";
import { kubectlEnvironment } from "./access.js";
import { deleteCluster } from "./delete.js";
import { loadImages } from "./images.js";
import { findProfile, profilePaths } from "./profile.js";
import { resolveProfile } from "./request.js";
import { ensureKubectl } from "./software.js";
import { startCluster } from "./start.js";
import { usualWaits, type WaitFor } from "./wait-for.js";

export interface CreateClusterOptions extends Omit<ClusterForm, "apiVersion" | "kind" | "metadata"> {
  /** Name of the profile. @default "test-" and six random letters */
  name?: string;
  /** What to wait for. @default ["apiserver", "node_ready", "default_sa", "apps_running"]; with `cni: "none"` ["apiserver", "kubelet"] */
  waitFor?: WaitFor[];
  /** For each thing that is waited for. @default 120_000 */
  waitTimeoutMs?: number;
  /** Use no network and build nothing. @default false */
  offline?: boolean;
}

/** A cluster that is up, and goes when it is disposed of. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** `https://10.77.0.2:6443` */
  readonly server: string;
  /** Path of the administrator's kubeconfig: a file of its own, the user's is not touched. */
  readonly kubeconfig: string;
  readonly kubernetesVersion: string;
  /** Runs the kubectl of the cluster's version. @throws {SlipwayError} `PROGRAM_FAILED` when it fails */
  kubectl(args: string[], options?: RunOptions): Promise<RunResult>;
  /** Puts an image archive (`docker save`, OCI layout) into every node; gives the references. */
  loadImage(archive: string, options?: { signal?: AbortSignal }): Promise<string[]>;
  /** Deletes it. Disposing does the same. */
  delete(): Promise<void>;
}

/** Starts a cluster and hands it over. When the start fails, what it made is removed; a cluster that was there before stays. */
export async function createClusterIn(options: CreateClusterOptions, context: Context): Promise<Cluster> {
  const { name = randomName(), waitFor, waitTimeoutMs = 120_000, offline = false, ...form } = options;
  const profile = await resolveProfile(
    { apiVersion: "slipway.dev/v1alpha1", kind: "Cluster", metadata: { name }, ...form },
    { workingDirectory: "/" },
    context,
  );
  const wasThere = (await findProfile(name, context)) !== undefined;
  // Deleting must also work when the caller has given up.
  const remove = () =>
    deleteCluster(name, { kubeconfigFiles: [] }, { ...context, signal: new AbortController().signal });
  try {
    const started = await startCluster(
      {
        profile,
        waitFor: waitFor ? new Set(waitFor) : usualWaits(profile.spec),
        waitTimeoutMs,
        kubeconfigFiles: [],
        keepContext: true,
        components: { offline },
      },
      context,
    );
    const kubectlProgram = await ensureKubectl(profile.spec.kubernetesVersion, context);
    const { kubeconfig } = profilePaths(name, context);
    const deleteOnce = async () => {
      await remove();
    };
    return {
      name,
      server: started.server,
      kubeconfig,
      kubernetesVersion: profile.spec.kubernetesVersion,
      kubectl: (args, kubectlOptions = {}) =>
        run(kubectlProgram, args, {
          ...kubectlOptions,
          env: { ...kubectlOptions.env, ...kubectlEnvironment(profile.spec, context) },
        }),
      loadImage: (archive, { signal } = {}) =>
        loadImages(name, [archive], signal ? { ...context, signal } : context),
      delete: deleteOnce,
      [Symbol.asyncDispose]: deleteOnce,
    };
  } catch (error) {
    if (!wasThere) await remove().catch(() => {}); // the start's error is the one to report
    throw error;
  }
}

const randomName = (): string => `test-${Math.random().toString(36).slice(2, 8)}`;
