import { join } from "node:path";
import { waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { acquireLock } from "../../base/lock.js";
import { Journal } from "../../cluster/journal.js";
import { runOperation, type Step, skip } from "../../cluster/operation.js";
import { applyObjects, type Refusal } from "../../kube/apply.js";
import { connect, type KubeClient } from "../../kube/client.js";
import { apiReady } from "../../kube/conditions.js";
import { dryRunObjects } from "../../kube/dry-run.js";
import { ownApiServerHost } from "../../plan/selfhosted/settings.js";
import { type ControlPlaneHost, thisHost } from "../control-plane-host.js";
import { endBootstrap, handOver, isPivoting, openWay, type Pivot, selfhostedReady } from "../pivot/pivot.js";
import type { AssetObject, StartAssets } from "./assets.js";
import { findBootstrapNode, labelControlPlaneNode } from "./control-plane-node.js";
import { refusalError } from "./manifests.js";
import { placeBootstrap } from "./place.js";
import { type Phase, preflight, requireRoot } from "./preflight.js";
import { readAssets } from "./read-assets.js";
import { type RequiredPods, requiredPods } from "./required-pods.js";

export interface SelfhostStartOptions {
  /** Absolute. */
  assetDirectory: string;
  /** Where the kubelet looks for static pods. */
  manifestPath: string;
  /** `namespace/name` each; undefined: bootkube's four, as far as the assets hold them. */
  requiredPods: readonly string[] | undefined;
  /** Stop before anything is applied when a manifest is refused. */
  strict: boolean;
  /** For each thing that is waited for. */
  timeoutMs: number;
}

/** A control plane that is self-hosted. */
export interface SelfhostStarted {
  /** `https://127.0.0.1:6443` */
  server: string;
  /** Of the Node that was bootstrapped; undefined when that was done before. */
  node: string | undefined;
  /** How many objects were applied. */
  objects: number;
}

interface State {
  options: SelfhostStartOptions;
  assets: StartAssets;
  required: RequiredPods["required"];
  host: ControlPlaneHost;
  phase: Phase;
  /** Whether there is a bootstrap control plane to pivot from. */
  pivoting: boolean;
  client: KubeClient;
  refusals: Refusal[];
  node?: string | undefined;
}

/**
 * Brings a self-hosted control plane up on this machine, from assets: bootkube's `start`. Every step does only what is missing, so
 * that a start that failed or was killed is run again; a failure leaves everything for a look.
 *
 * @throws {SlipwayError} as `readAssets` and `preflight`, before anything is touched; `API_NOT_READY`, `NODE_NOT_READY`,
 * `CONTROL_PLANE_NOT_READY`; `API_REFUSED` for manifests, unless strict when all is done
 */
export async function startSelfhosted(
  options: SelfhostStartOptions,
  context: Context,
): Promise<SelfhostStarted> {
  const { assetDirectory } = options;
  const assets = await readAssets(assetDirectory);
  const { required, left } = requiredPods(options.requiredPods, assets.workloads);
  requireRoot();
  await using _lock = await acquireLock(join(assetDirectory, ".slipway-start.lock"), {
    what: assetDirectory,
    signal: context.signal,
    owner: context.owner,
  });
  const host = thisHost(options.manifestPath);
  const journal = new Journal(join(assetDirectory, ".slipway-start.ndjson"), context.owner);
  const last = await journal.lastRun();
  const phase = await preflight(assets, host, context, { finished: last?.outcome === "done" });
  for (const pods of left) {
    context.events({ type: "info", message: `the assets have no ${pods}: it is not waited for` });
  }
  if (last?.outcome === "killed") {
    context.events({
      type: "info",
      message: `the last start was cut short at ${last.step}; going on from there`,
    });
  }
  await using client = connect(assets.credentials);
  const pivoting = phase !== "selfhosted" || (await isPivoting({ host, wait: waitOf(options, context) }));
  const state: State = { options, assets, required, host, phase, pivoting, client, refusals: [] };
  await runOperation("selfhost start", steps, state, { journal, context });
  if (state.refusals.length > 0) {
    throw refusalError(state.refusals, assets.manifests, {
      outcome: "the control plane is self-hosted without",
      hint: "mend the files and start again: what is there stays",
    });
  }
  return {
    server: assets.credentials.server,
    node: state.node,
    objects: assets.manifests.length,
  };
}

const waitOf = ({ timeoutMs }: SelfhostStartOptions, { signal, events, clock }: Context) => ({
  timeoutMs,
  signal,
  events,
  clock,
});

/** Of the administrator, at this machine's own API server: the endpoint may be a load balancer that is not there yet. */
const kubectl = ({ kubeconfig, credentials }: StartAssets): string =>
  `kubectl --kubeconfig ${kubeconfig} --server ${credentials.server}`;

const pivotOf = ({ options, assets, required, host, node = "" }: State, context: Context): Pivot => ({
  host,
  node,
  port: assets.port,
  bootstrapPort: assets.bootstrapPort,
  own: ownApiServerHost,
  pods: assets.bootstrapPods,
  required,
  connect: () => connect(assets.credentials),
  wait: waitOf(options, context),
  selfhostedAnswers: {
    name: "the self-hosted API server is ready",
    async check(_, { signal }) {
      const server = `https://${ownApiServerHost}:${assets.port}`;
      await using client = connect({ ...assets.credentials, server, serverName: "localhost" });
      // Not closed before it has answered.
      return await apiReady().check(client, { signal });
    },
  },
  describe: ({ namespace, name }) => `${kubectl(assets)} -n ${namespace} describe pods -l k8s-app=${name}`,
});

const place: Step<State> = {
  id: "place-bootstrap",
  title: "Bootstrap",
  async run({ assets, host, phase }) {
    if (phase === "selfhosted") return skip("the control plane is self-hosted");
    const written = await placeBootstrap(assets, host);
    return written === 0 ? skip("its manifests are there") : `${written} static pods in ${host.manifests}`;
  },
};

const whilePivoting = (
  id: string,
  title: string,
  run: (state: State, context: Context) => Promise<string | undefined>,
): Step<State> => ({
  id,
  title,
  run: async (state, context) =>
    state.pivoting ? run(state, context) : skip("the control plane is self-hosted"),
});

const pivotStep = (id: string, title: string, run: (pivot: Pivot) => Promise<void>): Step<State> =>
  whilePivoting(id, title, async (state, context) => {
    await run(pivotOf(state, context));
    return undefined;
  });

const waitForApi: Step<State> = {
  id: "wait-for-api",
  title: "API server",
  async run({ options, assets, client, phase }, context) {
    await waitFor(apiReady(), client, {
      ...waitOf(options, context),
      code: "API_NOT_READY",
      hint:
        phase === "selfhosted"
          ? "crictl ps -a --name kube-apiserver, and crictl logs of what it shows"
          : "journalctl -u kubelet -n 50; then crictl ps -a, and crictl logs of what it shows",
    });
    return assets.credentials.server;
  },
};

const objectsOf = (manifests: readonly AssetObject[]) => manifests.map(({ object }) => object);

const tryManifests: Step<State> = {
  id: "try-manifests",
  title: "Dry run",
  async run({ options, assets: { manifests, recovered }, client }, context) {
    if (recovered) return skip("the objects are in the cluster");
    const { refused, untried } = await dryRunObjects(client, objectsOf(manifests), {
      signal: context.signal,
    });
    if (refused.length > 0) {
      const error = refusalError(refused, manifests, {
        outcome: "nothing was applied",
        hint: "mend the files and start again; without --strict the others are applied all the same",
      });
      if (options.strict) throw error;
      for (const [file, why] of Object.entries(error.details)) {
        context.events({ type: "warning", message: `${file}: ${why}` });
      }
    }
    const tried = manifests.length - untried.length;
    return `${tried - refused.length} of ${manifests.length} objects would be taken${
      untried.length > 0 ? `, ${untried.length} cannot be tried yet` : ""
    }`;
  },
};

const applyManifests: Step<State> = {
  id: "apply-manifests",
  title: "Manifests",
  async run(state, context) {
    const { options, assets, client } = state;
    if (assets.recovered) return skip("the objects are in the cluster");
    const onRefused = options.strict ? {} : { onRefused: (refusal: Refusal) => state.refusals.push(refusal) };
    const applied = await applyObjects(client, objectsOf(assets.manifests), {
      signal: context.signal,
      ...onRefused,
    });
    return `${applied.length} objects`;
  },
};

const labelNode = whilePivoting("label-node", "Node", async (state, context) => {
  const { options, assets, client, phase } = state;
  // Labelled before; its name is for those of the static pods that are left.
  if (phase === "selfhosted") {
    state.node = await findBootstrapNode(client, assets.bootstrapPods, context.signal);
    return state.node;
  }
  state.node = await labelControlPlaneNode(client, assets.bootstrapPods, {
    ...waitOf(options, context),
    code: "NODE_NOT_READY",
    hint: "journalctl -u kubelet -n 50",
  });
  return state.node;
});

const steps: Step<State>[] = [
  place,
  pivotStep("open-way", "Redirect", openWay),
  waitForApi,
  tryManifests,
  applyManifests,
  labelNode,
  pivotStep("await-selfhosted", "Self-hosted", selfhostedReady),
  pivotStep("hand-over", "Hand-over", handOver),
  pivotStep("end-bootstrap", "Pivot", endBootstrap),
];
