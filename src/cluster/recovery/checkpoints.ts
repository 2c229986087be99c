import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { applyObjects } from "../../kube/apply.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { places } from "../../plan/places.js";
import { controlPlaneObjects } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { activatedAtAnnotation, type StaticPod } from "../../selfhost/checkpoint/static-copy.js";
import { type ControlPlaneHost, machineHost } from "../../selfhost/control-plane-host.js";
import { putManifest } from "../../selfhost/node-files.js";
import { selfhostedReady } from "../../selfhost/pivot/pivot.js";
import { findWorkload } from "../../selfhost/rollout.js";
import { type Step, skip } from "../operation.js";
import { pivotOf } from "../pivot.js";
import type { StartState } from "../start-state.js";

interface CheckpointState extends StartState {
  /** Of each control-plane workload, as the nodes' disks have it. */
  copies?: StaticPod[];
}

/**
 * An API server that outlived etcd's data goes on listing what it remembers, for ever: its watches wait for revisions that the new
 * etcd does not have yet. Kubelets start it again, and hear that there is no pod.
 */
export const endOutlivedApiServers: Step<StartState> = {
  id: "end-outlived",
  title: "API servers",
  async run({ plan, driver }, { signal }) {
    const script = "pkill -KILL -x kube-apiserver && echo ended || true";
    const ended: string[] = [];
    for (const { name } of controlPlaneNodes(plan.spec)) {
      const host = machineHost(driver, plan.spec.metadata.name, name);
      const { stdout } = await host.exec(["/bin/sh", "-c", script], { signal });
      if (stdout.includes("ended")) ended.push(name);
    }
    return ended.length === 0 ? skip("none runs") : `begun anew on ${ended.join(", ")}`;
  },
};

/** What the checkpointer does when nothing of a workload runs; in its place when it is lost itself. */
export const activateCheckpoints: Step<CheckpointState> = {
  id: "activate-checkpoints",
  title: "Checkpoints",
  async run(state, context) {
    const { plan, driver } = state;
    const { name: cluster } = plan.spec.metadata;
    const copies = new Map<string, StaticPod>();
    let activated = 0;
    for (const { name } of controlPlaneNodes(plan.spec)) {
      const host = machineHost(driver, cluster, name);
      const active = await activeCopies(host, context);
      for (const file of await namesIn(host, inactivePath, context)) {
        const { stdout } = await host.exec(["cat", `${inactivePath}/${file}`], { signal: context.signal });
        const copy = JSON.parse(stdout) as StaticPod;
        copies.set(copy.metadata.name, copy);
        if (active.includes(file)) continue;
        // As a pod that its kubelet has not seen before.
        const annotations = {
          ...copy.metadata.annotations,
          [activatedAtAnnotation]: context.clock.now().toISOString(),
        };
        const metadata = { ...copy.metadata, annotations };
        await putManifest(host, file, JSON.stringify({ ...copy, metadata }), context.signal);
        activated++;
      }
    }
    if (copies.size === 0) {
      throw new SlipwayError(
        "RECOVERY_IMPOSSIBLE",
        `${cluster} has no checkpoints on its control-plane nodes`,
        {
          hint: `recover from what else there is: slipway selfhost recover -p ${cluster}`,
        },
      );
    }
    state.copies = [...copies.values()];
    return activated === 0 ? `${copies.size} run` : `${activated} activated`;
  },
};

/** For the checkpointer to see that nothing runs, and to start what it has. */
const checkpointerPatienceMs = 30_000;

/**
 * The copies that a kubelet has. Where the checkpointer's own is among them, it activates the others: two who do that at once make
 * two pods of one copy, of which the kubelet has to end the first.
 */
async function activeCopies(host: ControlPlaneHost, context: Context): Promise<readonly string[]> {
  const { signal, events, clock } = context;
  let active = await namesIn(host, places.manifests, context);
  if (!active.some((file) => file.includes(checkpointerName))) return active;
  const stored = await namesIn(host, inactivePath, context);
  const all: Condition<ControlPlaneHost> = {
    name: `the checkpointer of ${host.name} has activated what it has`,
    async check() {
      active = await namesIn(host, places.manifests, context);
      const missing = stored.filter((file) => !active.includes(file));
      return missing.length === 0 ? met() : unmet(`not yet ${missing.join(", ")}`);
    },
  };
  try {
    await waitFor(all, host, { timeoutMs: checkpointerPatienceMs, intervalMs: 500, signal, events, clock });
  } catch (error) {
    if (!isSlipwayError(error, "TIMED_OUT")) throw error;
  }
  return active;
}

const inactivePath = `${places.kubernetes}/inactive-manifests`;

/** The checkpoints in a directory of a node. */
async function namesIn(
  { exec }: ControlPlaneHost,
  directory: string,
  { signal }: Context,
): Promise<string[]> {
  const script =
    'cd "$1" 2>/dev/null || exit 0; for file in *.json; do [ -e "$file" ] || continue; echo "$file"; done';
  const { stdout } = await exec(["/bin/sh", "-c", script, "sh", directory], { signal });
  return stdout.split("\n").filter(Boolean);
}

/** What is missing of the control plane's workloads, with images and flags as their copies have them. */
export const applyWorkloadsOfCopies: Step<CheckpointState> = {
  id: "apply-copied-workloads",
  title: "Workloads",
  async run({ plan, client, material, copies = [] }, context) {
    const objects: KubeObject[] = [];
    const missing: string[] = [];
    for (const object of controlPlaneObjects(plan)) {
      const { kind, metadata } = object;
      const copy = copies.find((candidate) => candidate.metadata.name === metadata.name);
      if ((kind !== "DaemonSet" && kind !== "Deployment") || !copy) {
        objects.push(object);
      } else if (!(await findWorkload(client!, { kind, name: metadata.name }, context.signal))) {
        objects.push(asCopied(object, copy));
        missing.push(metadata.name);
      }
    }
    await applyObjects(client!, sealObjects(objects, material!), { signal: context.signal });
    return missing.length === 0 ? skip("they are there") : missing.join(", ");
  },
};

/** All that takes over runs, and no copy does any more. */
export const awaitWorkloads: Step<CheckpointState> = {
  id: "await-selfhosted",
  title: "Self-hosted",
  async run(state, context) {
    const pivot = pivotOf(state, context);
    await selfhostedReady(pivot);
    const { driver, plan } = state;
    for (const { name } of controlPlaneNodes(plan.spec)) {
      const host = machineHost(driver, plan.spec.metadata.name, name);
      await waitFor(noCopyRuns(context), host, {
        ...pivot.wait,
        intervalMs: 500,
        code: "CONTROL_PLANE_NOT_READY",
        hint: pivot.describe({ namespace: "kube-system", name: checkpointerName }),
      });
    }
    return undefined;
  },
};

/** But for the checkpointer's own, which always stands. */
const noCopyRuns = (context: Context): Condition<ControlPlaneHost> => ({
  name: "checkpoints have made way",
  async check(host) {
    const files = await namesIn(host, places.manifests, context);
    const left = files.filter((file) => !file.includes(checkpointerName));
    return left.length === 0 ? met() : unmet(`${left.join(", ")} in ${places.manifests} of ${host.name}`);
  },
});

/** A workload with images and command lines of its copy, container by container. Pure. */
export function asCopied(object: KubeObject, { spec: { containers } }: StaticPod): KubeObject {
  const { spec } = object as { spec?: { template?: { spec?: { containers?: { name: string }[] } } } };
  const template = spec?.template;
  if (!template?.spec?.containers) return object;
  const taken = template.spec.containers.map((container) => {
    const copied = containers.find(({ name }) => name === container.name);
    const { image, command, args } = copied ?? {};
    return {
      ...container,
      ...(image === undefined ? {} : { image }),
      ...(command === undefined ? {} : { command }),
      ...(args === undefined ? {} : { args }),
    };
  });
  return {
    ...object,
    spec: { ...spec, template: { ...template, spec: { ...template.spec, containers: taken } } },
  };
}
