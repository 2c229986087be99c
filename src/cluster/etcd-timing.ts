import { isDeepStrictEqual } from "node:util";
import { type Condition, met, unmet, waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { controlPlaneNodes, type NodeAddress } from "../plan/addresses.js";
import { etcdFlags, etcdTiming } from "../plan/control-plane.js";
import type { ClusterPlan } from "../plan/plan.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { type EtcdAccess, giveLead, healthyMembers, majorityOf } from "./etcd-members.js";
import type { HandOut } from "./renewal.js";

/**
 * A member that was alone beats and elects faster than one of several, and reads that only when it starts. Alone, or as one of
 * two, its restart would silence the API; it waits until there are three, of which two go on.
 *
 * @returns the nodes whose member was started anew
 */
export async function takeUpTiming(
  { plan, driver }: HandOut,
  timeoutMs: number,
  context: Context,
): Promise<string[]> {
  const { name: cluster } = plan.spec.metadata;
  const nodes = controlPlaneNodes(plan.spec);
  const changed: string[] = [];
  for (const node of nodes) {
    if (!(await isStale(node, { plan, driver }, context))) continue;
    const healthy = await healthyMembers(nodes, { cluster, driver }, context);
    const through = healthy.filter(({ name }) => name !== node.name);
    if (through.length < majorityOf(nodes.length)) continue;
    await restartBeside(node, plan, { cluster, driver, through, timeoutMs }, context);
    changed.push(node.name);
  }
  return changed;
}

type Running = Pick<HandOut, "driver"> & { plan: ClusterPlan };

/** Whether a member runs with another timing than its node's config has. */
async function isStale(node: NodeAddress, { plan, driver }: Running, { signal }: Context): Promise<boolean> {
  const { name: cluster } = plan.spec.metadata;
  if ((await driver.inspect(cluster, node.name))?.state !== "running") return false;
  const show = 'tr "\\0" "\\n" < "/proc/$(systemctl show --property=MainPID --value etcd.service)/cmdline"';
  const { stdout, exitCode } = await driver.exec(cluster, node.name, ["/bin/sh", "-c", show], {
    allowFailure: true,
    signal,
  });
  return exitCode === 0 && !isDeepStrictEqual(timingOf(stdout.split("\n")), plannedTiming(plan.spec, node));
}

const timingOf = (args: readonly string[]): string[] =>
  args.filter((arg) => etcdTiming.some((flag) => arg.startsWith(`--${flag}=`))).sort();

function plannedTiming(spec: ClusterSpec, node: NodeAddress): string[] {
  const flags = etcdFlags(spec, node);
  return timingOf(etcdTiming.filter((flag) => flag in flags).map((flag) => `--${flag}=${flags[flag]}`));
}

/** For a member to come back; it takes a second. */
const patienceMs = 60_000;

/** Starts a member anew; the API server beside it reaches another one meanwhile. */
async function restartBeside(
  node: NodeAddress,
  plan: ClusterPlan,
  access: EtcdAccess,
  context: Context,
): Promise<void> {
  const { cluster, driver, through } = access;
  const { signal, events, clock } = context;
  const heir = through[0]!;
  await giveLead(heir, { ...access, through: [...through, node] }, context);
  // A unit of its own goes on to its end when this run is killed, and is there once.
  const unit = ["systemd-run", "--quiet", "--collect", "--wait", "--unit=slipway-etcd-restart"];
  await driver.exec(cluster, node.name, [...unit, "/bin/sh", "-c", restartScript(heir)], {
    allowFailure: true,
    signal,
  });
  const restarted: Condition<undefined> = {
    name: `the etcd of ${node.name} beats as the others do`,
    check: async () => {
      if (await isStale(node, { plan, driver }, context)) return unmet("it was not started anew yet");
      const [answers] = await healthyMembers([node], access, context);
      return answers ? met() : unmet("it does not answer");
    },
  };
  await waitFor(restarted, undefined, {
    timeoutMs: patienceMs,
    intervalMs: 200,
    signal,
    events,
    clock,
    code: "QUORUM_LOST",
    hint: `slipway logs -p ${cluster} -n ${node.name} --unit etcd`,
  });
}

/** Where the relay listens on 127.0.0.1; `src/spec/cross-checks.ts` keeps it free. */
const relayPort = 2378;
const relay = "slipway-etcd-relay";

/**
 * The API server calls 127.0.0.1:2379. New connections to that go through a relay to another member, whose certificate names that
 * address too: when etcd ends, there is somebody at once, and no pause before the next try (gRPC's backoff, a second and more).
 * With the relay its connections end, and begin again at the member beside.
 *
 * Asked to end, etcd finishes the calls that it has, and waits for watches, which nobody ends, for five seconds and two elections:
 * after the calls, it is killed. Its data are on the disk before it answers.
 */
const restartScript = ({ address }: NodeAddress): string => `set -e
end_relay() {
  nft 'add table ip ${relay}; delete table ip ${relay}'
  systemctl stop ${relay}.socket ${relay}.service
}
trap end_relay EXIT
systemd-run --quiet --collect --unit=${relay} --socket-property=ListenStream=127.0.0.1:${relayPort} \
  /lib/systemd/systemd-socket-proxyd --connections-max=4096 ${address}:2379
nft -f - <<'RULES'
add table ip ${relay}
add chain ip ${relay} own { type nat hook output priority -110; }
add rule ip ${relay} own ip daddr 127.0.0.1 tcp dport 2379 redirect to :${relayPort}
RULES
systemctl stop --no-block etcd.service
sleep 1
systemctl kill --signal=KILL etcd.service || true
systemctl start etcd.service
`;
