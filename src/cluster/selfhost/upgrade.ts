import { waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import type { ComponentRef, StoredComponent } from "../../components/component.js";
import { ensureComponents } from "../../components/ensure.js";
import { applyObjects } from "../../kube/apply.js";
import type { KubeClient } from "../../kube/client.js";
import { apiReady } from "../../kube/conditions.js";
import type { KubeNode } from "../../kube/wire.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { type ClusterPlan, controlPlaneObjects, planCluster } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import {
  type Bridge,
  closeBridges,
  discardBridge,
  isBridged,
  openBridge,
  ownApiServes,
} from "../../selfhost/bridge.js";
import {
  findWorkload,
  imageOf,
  restoreTemplate,
  rolledOut,
  type WorkloadRef,
} from "../../selfhost/rollout.js";
import { checkClock } from "../clock-check.js";
import { hostDriver } from "../driver.js";
import { importImages } from "../images.js";
import { ensureMaterial } from "../material.js";
import { sandboxPart } from "../metal.js";
import { runOperation, type Skipped, type Step, skip } from "../operation.js";
import {
  lockProfile,
  loggedContext,
  type Profile,
  profileJournal,
  profilePaths,
  readProfile,
  writeProfile,
} from "../profile.js";
import { ensureEtcdutl } from "../snapshot/inspect.js";
import { takeSnapshot, timeName } from "../snapshot/save.js";
import { freePlace, sweptShelf } from "../snapshot/shelf.js";
import { clusterComponents, ensureKubectl, ensureNodeSoftware } from "../software.js";
import {
  bridges,
  type ControlPlaneAccess,
  connectApi,
  patienceMs,
  requireBootstrapper,
  waitOptions,
} from "./control-plane.js";
import { isVersion, releaseDrained, upgradeKubelet } from "./kubelet-upgrade.js";
import { availableDisk } from "./node-disk.js";
import { availableMemory } from "./node-memory.js";
import {
  checkDisk,
  checkKubelets,
  checkMemory,
  checkTarget,
  imageDiskFactor,
  neededDiskBytes,
} from "./upgrade-checks.js";
import {
  forgetPending,
  notePending,
  type PendingUpgrade,
  pendingUpgrade,
  unendedUpgrade,
} from "./upgrade-state.js";

interface UpgradeOptions {
  /** `v1.36.3` */
  to: string;
  /** Kubelets stay as they are: they may be older than the API server. */
  controlPlaneOnly: boolean;
}

interface UpgradeState extends ControlPlaneAccess {
  options: UpgradeOptions;
  profile: Profile;
  /** The cluster as it will be. */
  target: ClusterPlan;
  client: KubeClient;
  bridges: Bridge[];
  pending: PendingUpgrade;
  stored?: Map<string, StoredComponent>;
}

/** In the order in which they are upgraded: nobody may be newer than the API server. */
const workloads: readonly WorkloadRef[] = [
  { kind: "DaemonSet", name: workloadNames.apiServer },
  { kind: "Deployment", name: workloadNames.controllerManager },
  { kind: "Deployment", name: workloadNames.scheduler },
  { kind: "DaemonSet", name: "kube-proxy" },
];
const apiServer = workloads[0]!;
const keyOf = ({ kind, name }: WorkloadRef): string => `${kind}/${name}`;

/**
 * Brings a self-hosted cluster to another Kubernetes version while it serves: API servers behind a bridge, then the other
 * components, then the kubelets, each waited for. When one does not come up the control plane goes back to what it was. A run
 * that was killed goes on when it is run again.
 *
 * @returns the version that the cluster had
 * @throws {SlipwayError} `USAGE`, `CONFIG_INVALID`, `NODE_NOT_READY`, `MEMORY_SHORT`, `CONTROL_PLANE_NOT_READY` before anything
 * is touched; `UPGRADE_FAILED` after it was taken back
 */
export async function upgradeCluster(
  name: string,
  options: UpgradeOptions,
  context: Context,
): Promise<string> {
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  const { spec, facts } = profile;
  requireBootstrapper(spec, "selfhosted");
  const before = await pendingUpgrade(name, context);
  if (before && before.to !== options.to) throw unendedUpgrade(name, before);
  checkTarget(spec, options.to);
  const plan = planCluster(spec, facts);
  const driver = hostDriver(context);
  const material = await ensureMaterial(plan, profilePaths(name, context).pki, context);
  const access = { plan, driver, material };
  await using client = connectApi(material);
  const state: UpgradeState = {
    ...access,
    options,
    profile,
    target: planCluster({ ...spec, kubernetesVersion: options.to }, facts),
    client,
    bridges: bridges(access, context),
    pending: before ?? {
      version: 1,
      from: spec.kubernetesVersion,
      to: options.to,
      startedAt: context.clock.now().toISOString(),
    },
  };
  await runOperation("selfhost-upgrade", upgradeSteps, state, {
    journal: profileJournal(name, context),
    context: loggedContext(name, context),
  });
  return state.pending.from;
}

/** Whether there is anything to do for the control plane. */
const isThere = ({ profile, options }: UpgradeState): boolean =>
  profile.spec.kubernetesVersion === options.to;

const preflight: Step<UpgradeState> = {
  id: "preflight",
  title: "Checks",
  async run(state, context) {
    const { client, plan, driver, target, pending, options, bridges } = state;
    const { name } = plan.spec.metadata;
    await requireRunning(state);
    const resumed = pending.templates !== undefined;
    await waitFor(apiReady(), client, {
      ...waitOptions(context),
      timeoutMs: resumed ? patienceMs : 10_000,
      code: "API_NOT_READY",
      hint: `slipway selfhost status -p ${name}`,
    });
    if (resumed) return `going on with the upgrade of ${pending.startedAt}`;
    const nodes = await client.list<KubeNode>({ path: "/api/v1/nodes" }, { signal: context.signal });
    checkKubelets(nodes.items, options.to);
    if (isThere(state)) return skip(`the control plane is at ${options.to}`);
    for (const bridge of bridges) {
      if (await isBridged(bridge)) {
        throw new SlipwayError(
          "CONTROL_PLANE_NOT_READY",
          `${bridge.node} still has a bootstrap control plane`,
          {
            hint: `finish what was begun: slipway start -p ${name}`,
          },
        );
      }
      checkMemory(bridge.node, await availableMemory(driver, name, bridge.node, context.signal));
    }
    for (const workload of workloads) {
      await rolledOut(client, workload, {
        ...bridges[0]!,
        wait: { ...waitOptions(context), timeoutMs: 10_000 },
      });
    }
    return `${plan.spec.kubernetesVersion} → ${target.spec.kubernetesVersion}`;
  },
};

async function requireRunning({ plan, driver }: UpgradeState): Promise<void> {
  const { name } = plan.spec.metadata;
  const machines = await driver.list(name);
  const off = sandboxPart(plan.spec).nodes.find(
    (node) => machines.find((machine) => machine.name === node.name)?.state !== "running",
  );
  if (!off) return;
  throw new SlipwayError("MACHINE_NOT_RUNNING", `the node ${off.name} does not run`, {
    hint: `start the cluster first: slipway start -p ${name}`,
  });
}

const getComponents: Step<UpgradeState> = {
  id: "components",
  title: "Components",
  async run(state, context) {
    const { binaries, images } = clusterComponents(state.target.spec);
    state.stored = await ensureComponents([...binaries, ...images], {}, context);
    if (!isThere(state)) await requireDisk(state, context);
    return `Kubernetes ${state.options.to}`;
  },
};

async function requireDisk(state: UpgradeState, { signal }: Context): Promise<void> {
  const { plan, driver, pending, stored } = state;
  const sizes = pending.imagesLoaded
    ? []
    : freshImages(state).map(({ name }) => stored!.get(name)!.sizeBytes * imageDiskFactor);
  const needed = sizes.reduce((sum, size) => sum + size, neededDiskBytes);
  const { name } = plan.spec.metadata;
  for (const { name: node } of sandboxPart(plan.spec).nodes)
    checkDisk(node, await availableDisk(driver, name, node, signal), needed);
}

const snapshotFirst: Step<UpgradeState> = {
  id: "snapshot",
  title: "Snapshot of etcd",
  async run(state, context) {
    if (isThere(state)) return skip("the control plane stays as it is");
    const { plan, pending } = state;
    if (pending.snapshot) return skip(pending.snapshot);
    const { name } = plan.spec.metadata;
    const stamp = timeName(context.clock.now());
    const called = `before-${pending.to}-${stamp}`;
    const taken = await takeSnapshot(
      { spec: plan.spec, driver: state.driver, etcdutl: await ensureEtcdutl(pending.from, context) },
      {
        path: await freePlace(await sweptShelf(name, context), called),
        name: called,
        reason: "before-upgrade",
      },
      context,
    );
    pending.snapshot = taken.path;
    await notePending(name, pending, context);
    return pending.snapshot;
  },
};

const loadImages: Step<UpgradeState> = {
  id: "images",
  title: "Images",
  async run(state, context) {
    const { plan, pending, stored } = state;
    const fresh = freshImages(state);
    if (isThere(state) || pending.imagesLoaded || fresh.length === 0) return skip("every node has them");
    const { name: cluster } = plan.spec.metadata;
    await importImages(
      cluster,
      fresh.map(({ name }) => stored!.get(name)!.path),
      context,
    );
    pending.imagesLoaded = true;
    await notePending(cluster, pending, context);
    return fresh.map(({ name }) => name.replace(/-image$/, "")).join(", ");
  },
};

/** Those of the target that the cluster does not have. */
function freshImages({ plan, target }: UpgradeState): ComponentRef[] {
  const own = new Set(clusterComponents(plan.spec).images.map(refText));
  return clusterComponents(target.spec).images.filter((ref) => !own.has(refText(ref)));
}

const refText = ({ name, version }: ComponentRef): string => `${name}@${version}`;

const noteTemplates: Step<UpgradeState> = {
  id: "note-templates",
  title: "What there is",
  async run(state, context) {
    const { pending, client, plan } = state;
    if (isThere(state) || pending.templates) return skip("known");
    const templates: Record<string, object> = {};
    for (const workload of workloads) {
      const live = await findWorkload(client, workload, context.signal);
      if (live?.spec) templates[keyOf(workload)] = live.spec.template;
    }
    pending.templates = templates;
    await notePending(plan.spec.metadata.name, pending, context);
    return undefined;
  },
};

/** A change of the control plane: when it fails, all that was changed is changed back. */
const guarded = (
  id: string,
  title: string,
  change: (state: UpgradeState, context: Context) => Promise<string | undefined | Skipped>,
): Step<UpgradeState> => ({
  id,
  title,
  async run(state, context) {
    if (isThere(state)) return skip("the control plane is there");
    try {
      return await change(state, context);
    } catch (error) {
      context.signal.throwIfAborted();
      throw await takenBack(state, error, context);
    }
  },
});

const upgradeApiServers = guarded("kube-apiserver", "API servers", async (state, context) => {
  const { bridges, client, target } = state;
  if (await isDone(apiServer, state, context)) {
    await closeBridges(bridges);
    return skip("they are there");
  }
  for (const bridge of bridges) await openBridge(bridge);
  await roll(apiServer, state, context);
  for (const bridge of bridges) await ownApi(bridge, target.spec.kubernetesVersion, context);
  await closeBridges(bridges);
  await waitFor(apiReady(), client, { ...waitOptions(context), code: "API_NOT_READY" });
  return undefined;
});

const ownApi = (bridge: Bridge, version: string, context: Context): Promise<void> =>
  waitFor(ownApiServes(bridge, version), bridge.host, {
    ...waitOptions(context),
    intervalMs: 300,
    code: "CONTROL_PLANE_NOT_READY",
    hint: bridge.describe({ namespace: "kube-system", name: apiServer.name }),
  });

const upgradeWorkload = (workload: WorkloadRef, title: string): Step<UpgradeState> =>
  guarded(workload.name, title, async (state, context) => {
    if (await isDone(workload, state, context)) return skip("it is there");
    await roll(workload, state, context);
    return undefined;
  });

/** Whether a run before this one has brought it there. */
async function isDone(workload: WorkloadRef, state: UpgradeState, context: Context): Promise<boolean> {
  const live = await findWorkload(state.client, workload, context.signal);
  if (imageOf(live) !== targetImage(workload, state)) return false;
  await rolledOut(state.client, workload, { ...state.bridges[0]!, wait: waitOptions(context) });
  return true;
}

async function roll(workload: WorkloadRef, state: UpgradeState, context: Context): Promise<void> {
  const { client, material, bridges } = state;
  await applyObjects(client, sealObjects(objectsOf(workload, state), material), { signal: context.signal });
  const waits = { ...bridges[0]!, wait: waitOptions(context) };
  await rolledOut(client, workload, waits, targetImage(workload, state));
}

/** The workload with what belongs to it. */
const objectsOf = ({ name }: WorkloadRef, { target }: UpgradeState): KubeObject[] =>
  controlPlaneObjects(target).filter(
    ({ metadata }) => metadata.name === name || metadata.labels?.["k8s-app"] === name,
  );

function targetImage(workload: WorkloadRef, state: UpgradeState): string | undefined {
  const object = objectsOf(workload, state).find(
    ({ kind, metadata }) => kind === workload.kind && metadata.name === workload.name,
  );
  return imageOf(object as Parameters<typeof imageOf>[0]);
}

/** Puts back what was changed, the last first. @returns the error to report */
async function takenBack(state: UpgradeState, cause: unknown, context: Context): Promise<SlipwayError> {
  const { plan, pending, client, options } = state;
  const { name } = plan.spec.metadata;
  const why = messageOf(cause);
  context.events({ type: "warning", message: `${why}; going back to ${pending.from}` });
  const hint = cause instanceof SlipwayError ? cause.hint : undefined;
  const details = {
    ...(cause instanceof SlipwayError ? cause.details : {}),
    ...(pending.snapshot ? { snapshot: pending.snapshot } : {}),
  };
  try {
    for (const workload of [...workloads].reverse()) await putBack(workload, state, context);
    await forgetPending(name, context);
  } catch (error) {
    context.signal.throwIfAborted();
    return new SlipwayError("UPGRADE_FAILED", `${why}; and going back failed: ${messageOf(error)}`, {
      hint: `slipway selfhost status -p ${name}; then again: slipway selfhost upgrade -p ${name} --to ${options.to}`,
      details,
      cause,
    });
  }
  await waitFor(apiReady(), client, { ...waitOptions(context), code: "API_NOT_READY" });
  return new SlipwayError("UPGRADE_FAILED", `${why}; the control plane is back at ${pending.from}`, {
    ...(hint ? { hint } : {}),
    details,
    cause,
  });
}

async function putBack(workload: WorkloadRef, state: UpgradeState, context: Context): Promise<void> {
  const { client, pending, bridges } = state;
  const template = pending.templates?.[keyOf(workload)];
  const live = await findWorkload(client, workload, context.signal);
  const image = imageOf({ spec: { template } } as Parameters<typeof imageOf>[0]);
  const isApi = workload.name === apiServer.name;
  const waits = { ...bridges[0]!, wait: waitOptions(context) };
  if (template && live && imageOf(live) !== image) {
    if (isApi) for (const bridge of bridges) if (!(await isBridged(bridge))) await openBridge(bridge);
    await restoreTemplate(client, workload, template, context.signal);
    await rolledOut(client, workload, waits, image);
  }
  if (!isApi) return;
  for (const bridge of bridges) {
    if (!(await isBridged(bridge))) continue;
    await ownApi(bridge, pending.from, context);
    // One that has not come up never led anybody.
    await closeBridges([bridge]).catch(async (error) => {
      context.signal.throwIfAborted();
      context.events({ type: "warning", message: messageOf(error) });
      await discardBridge(bridge);
    });
  }
}

const writeVersion: Step<UpgradeState> = {
  id: "profile",
  title: "Profile",
  async run(state, context) {
    const { client, material, target, profile, plan } = state;
    if (isThere(state)) {
      await forgetPending(plan.spec.metadata.name, context);
      return skip(`says ${state.options.to}`);
    }
    // Add-ons and RBAC as this version has them.
    const others = target.objects
      .filter(({ name }) => name !== "control-plane")
      .flatMap(({ objects }) => objects);
    await applyObjects(client, sealObjects(others, material), { signal: context.signal });
    await writeProfile(context, { ...profile, spec: target.spec });
    await forgetPending(plan.spec.metadata.name, context);
    return state.options.to;
  },
};

const upgradeKubelets: Step<UpgradeState> = {
  id: "kubelets",
  title: "Kubelets",
  async run(state, context) {
    const { target, plan, client, driver, material, options } = state;
    const { name } = target.spec.metadata;
    const nodes = await client.list<KubeNode>({ path: "/api/v1/nodes" }, { signal: context.signal });
    const versionOf = (node: string) =>
      nodes.items.find(({ metadata }) => metadata?.name === node)?.status?.nodeInfo?.kubeletVersion;
    const ours = new Set(sandboxPart(target.spec).nodes.map((node) => node.name));
    const late = target.nodes.filter((node) => !isVersion(versionOf(node.name), options.to));
    const own = late.filter((node) => ours.has(node.name));
    const foreign = late.filter((node) => !ours.has(node.name));
    if (foreign.length > 0) {
      context.events({
        type: "info",
        message: `${foreign.map((node) => node.name).join(", ")}: of metal, gets its kubelet of ${options.to} when it boots next`,
      });
    }
    await releaseDrained(client, nodes.items, context.signal);
    if (own.length === 0) return skip(`all are at ${options.to}`);
    if (options.controlPlaneOnly) return skip(`${own.length} stay older until the next stop and start`);
    const software = await ensureNodeSoftware(plan.spec, {}, context);
    const upgrade = {
      plan: target,
      driver,
      material,
      client,
      software,
      kubelet: async (version: string) =>
        (await ensureComponents([{ name: "kubelet", version }], {}, context)).get("kubelet")!,
      kubectl: await ensureKubectl(options.to, context),
      kubeconfig: profilePaths(name, context).breakGlass,
    };
    const order = [...controlPlaneNodes(target.spec).map((node) => node.name)];
    const rank = (node: { name: string }) => (order.includes(node.name) ? 0 : 1);
    const drained: string[] = [];
    for (const node of own.toSorted((a, b) => rank(a) - rank(b))) {
      if (await upgradeKubelet(node, upgrade, context)) drained.push(node.name);
    }
    // A kubelet that begins looks at its pods anew.
    for (const workload of workloads)
      await rolledOut(client, workload, { ...state.bridges[0]!, wait: waitOptions(context) });
    return `${own.length}${drained.length > 0 ? `, ${drained.join(", ")} drained for it` : ""}`;
  },
};

const upgradeSteps: Step<UpgradeState>[] = [
  preflight,
  getComponents,
  snapshotFirst,
  loadImages,
  noteTemplates,
  upgradeApiServers,
  upgradeWorkload(workloads[1]!, "Controller manager"),
  upgradeWorkload(workloads[2]!, "Scheduler"),
  upgradeWorkload(workloads[3]!, "kube-proxy"),
  writeVersion,
  upgradeKubelets,
];
