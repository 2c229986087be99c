import { met, unmet } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { connect } from "../kube/client.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import { controlPlaneNodes, isHighlyAvailable } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import { kubeconfigPath, places } from "../plan/places.js";
import { bootstrapPort, ownApiServerAddress } from "../plan/selfhosted/settings.js";
import { machineHost } from "../selfhost/control-plane-host.js";
import {
  controlPlaneWorkloads,
  endBootstrap,
  handOver,
  isPivoting,
  openWay,
  type Pivot,
  selfhostedReady,
} from "../selfhost/pivot/pivot.js";
import { giveLead } from "./etcd-members.js";
import { type Step, skip } from "./operation.js";
import type { StartState } from "./start-state.js";

/** The pivot's steps within a start: nothing to do once the control plane is self-hosted. */

export function pivotOf({ plan, driver, material, options }: StartState, context: Context): Pivot {
  const { spec } = plan;
  const name = spec.metadata.name;
  const node = spec.nodes[0]!.name;
  const own = ownApiServerAddress(spec, plan.nodes[0]!.address);
  const { signal, events, clock } = context;
  return {
    host: machineHost(driver, name, node),
    node,
    port: spec.apiServer.port,
    bootstrapPort: bootstrapPort(spec),
    own,
    pods: plan.bootstrap ?? [],
    required: controlPlaneWorkloads,
    connect: () => connect(credentialsFromKubeconfig(material!.get(`kubeconfig/${breakGlass}`)!)),
    wait: { timeoutMs: options.waitTimeoutMs, signal, events, clock },
    selfhostedAnswers: {
      name: `the self-hosted API server of ${node} is ready`,
      async check({ exec }, { signal: stop }) {
        const server = [`--server=https://${own}:${spec.apiServer.port}`, "--tls-server-name=localhost"];
        const kubeconfig = `--kubeconfig=${kubeconfigPath("kubelet")}`;
        const command = [`${places.bin}/kubectl`, kubeconfig, ...server, "get", "--raw=/readyz"];
        const { exitCode, stderr } = await exec(command, { signal: stop, allowFailure: true });
        return exitCode === 0 ? met() : unmet(stderr.trim().split("\n").at(-1) ?? `exit code ${exitCode}`);
      },
    },
    describe: (workload) =>
      `slipway kubectl -p ${name} -- -n ${workload.namespace} describe pods -l k8s-app=${workload.name}`,
  };
}

const step = (
  id: string,
  title: string,
  run: (pivot: Pivot, state: StartState, context: Context) => Promise<void>,
): Step<StartState> => ({
  id,
  title,
  async run(state, context) {
    const pivot = pivotOf(state, context);
    if (!(await isPivoting(pivot))) return skip("the control plane is self-hosted");
    await run(pivot, state, context);
    return undefined;
  },
});

/**
 * The only API server that there is runs on the first node, while those of the others begin: for as long it comes before them, when
 * they are machines of one host.
 */
async function favourFirst(
  weight: number,
  { node }: Pivot,
  { plan, driver }: StartState,
  context: Context,
): Promise<void> {
  if (isHighlyAvailable(plan.spec)) await driver.weigh(plan.spec.metadata.name, node, weight, context);
}

/** What it reads of etcd the leader answers for, and that one is beside it then. */
async function leadBesideFirst(
  { plan: { spec }, driver, options }: StartState,
  context: Context,
): Promise<void> {
  if (!isHighlyAvailable(spec)) return;
  const nodes = controlPlaneNodes(spec);
  const access = {
    cluster: spec.metadata.name,
    driver,
    through: nodes,
    timeoutMs: options.waitTimeoutMs,
  };
  await giveLead(nodes[0]!, access, context);
}

export const openTheWay = step("open-way", "Bootstrap", async (pivot, state, context) => {
  await favourFirst(8, pivot, state, context);
  await openWay(pivot);
});

export const pivotSteps: Step<StartState>[] = [
  step("await-selfhosted", "Self-hosted", async (pivot, state, context) => {
    await leadBesideFirst(state, context);
    await selfhostedReady(pivot);
  }),
  step("hand-over", "Hand-over", handOver),
  step("end-bootstrap", "Pivot", async (pivot, state, context) => {
    await favourFirst(1, pivot, state, context);
    await endBootstrap(pivot);
  }),
];
