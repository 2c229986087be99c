import type { MachineDriver } from "../../machines/driver.js";
import type { ClusterPlan } from "../../plan/plan.js";
import { type Step, skip } from "../operation.js";
import type { StartState } from "../start-state.js";
import {
  type EtcdRestore,
  forgetOldData,
  onMembers,
  restoreDirectory,
  shell,
  startMembers,
  swapData,
} from "./etcd-restore.js";
import { restartNodeUnits } from "./node-units.js";
import { pendingRestore, unmarkRestore } from "./pending.js";

/** The units of a control plane that read etcd, of those that its nodes have. */
const apiUnits = ["kube-scheduler.service", "kube-controller-manager.service", "kube-apiserver.service"];

/** What of a plan a restore is about. */
export function etcdOf(
  { spec, nodes }: ClusterPlan,
  driver: MachineDriver,
): Omit<EtcdRestore, "snapshot" | "token" | "bump"> {
  const members = nodes.filter(({ role }) => role === "control-plane");
  const units = members.flatMap(({ config }) => config.systemd?.units ?? []).map(({ name }) => name);
  return { spec, driver, members, clients: apiUnits.filter((unit) => units.includes(unit)) };
}

/**
 * Ends a restore that was killed: forwards when any member has its new data already, else by leaving all as they were. For
 * a start, which must not leave a control plane stopped.
 */
export const finishRestore: Step<StartState> = {
  id: "finish-restore",
  title: "The restore that was cut short",
  async run(state, context) {
    const { plan, driver } = state;
    const { name } = plan.spec.metadata;
    const pending = await pendingRestore(name, context);
    if (!pending) return skip("there is none");
    // Their data are there: nothing is made of the snapshot any more.
    const etcd: EtcdRestore = { ...etcdOf(plan, driver), snapshot: pending.snapshot, token: "", bump: 0 };
    let begun = false;
    await onMembers(etcd, async (member) => {
      const { stdout } = await shell(
        etcd,
        member,
        `ls -d ${restoreDirectory}/old 2>/dev/null || true`,
        context,
      );
      begun ||= stdout !== "";
    });
    if (begun) {
      const units = [...etcd.clients, "etcd.service"].join(" ");
      // Those that have their data already go on; the others get it at rest.
      const stop = `[ ! -e ${restoreDirectory}/new/member ] || systemctl stop ${units}`;
      await onMembers(etcd, (member) => shell(etcd, member, stop, context));
      await swapData.run({ etcd }, context);
    }
    await startMembers.run({ etcd }, context);
    await forgetOldData(etcd, context);
    await unmarkRestore(name, context);
    if (begun) state.renewedAt = await restartNodeUnits(state, context);
    return begun ? `of ${pending.snapshot}` : "it had changed nothing";
  },
};
