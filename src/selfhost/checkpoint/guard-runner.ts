import { messageOf } from "../../base/errors.js";
import { statusOf } from "../../kube/failures.js";
import type { DaemonSet, Deployment, KubeObject, Pod } from "../../kube/wire.js";
import { checkpointAnnotation } from "../../plan/selfhosted/checkpointer.js";
import type { ApiSnapshot, ControlPlaneApi } from "./control-plane-api.js";
import { type GuardDecision, guardRollout, type RolloutMemory } from "./guard.js";
import type { CheckpointerOptions } from "./options.js";
import {
  lastGoodAnnotation,
  type Rollout,
  remindedAnnotation,
  rollbacksAnnotation,
  rolledBackAnnotation,
  rolloutOf,
} from "./rollout.js";
import { workloadOfPod } from "./workload.js";

interface Guarded {
  kind: "DaemonSet" | "Deployment";
  name: string;
  generation: number;
  object: DaemonSet | Deployment;
}

/**
 * Watches the rollouts of what is checkpointed, and undoes those that fail. Every node's checkpointer does it: a change is
 * made on the condition that the object is still the one that was looked at, so of several one makes it.
 */
export class Guard {
  readonly #options: CheckpointerOptions;
  readonly #api: ControlPlaneApi;
  readonly #memories = new Map<string, RolloutMemory>();
  /** Generations whose revision is known to be the last good one: nothing to look at until there is another. */
  readonly #settled = new Map<string, number>();

  constructor(options: CheckpointerOptions, api: ControlPlaneApi) {
    this.#options = options;
    this.#api = api;
  }

  async look(snapshot: ApiSnapshot): Promise<void> {
    if (this.#options.rollbackAfterMs === 0) return;
    const open = guardedOf(snapshot).filter(({ name, generation }) => this.#settled.get(name) !== generation);
    if (open.length === 0) return;
    try {
      const [revisions, replicaSets] = await Promise.all([
        open.some(({ kind }) => kind === "DaemonSet") ? this.#api.revisions() : [],
        open.some(({ kind }) => kind === "Deployment") ? this.#api.replicaSets() : [],
      ]);
      for (const guarded of open) {
        await this.#lookAt(guarded, snapshot.pods, guarded.kind === "DaemonSet" ? revisions : replicaSets);
      }
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#options.log({ level: "warning", message: "trouble with the guard", why: messageOf(error) });
    }
  }

  async #lookAt(guarded: Guarded, pods: readonly Pod[], revisions: readonly KubeObject[]): Promise<void> {
    const { kind, name, generation, object } = guarded;
    const own = pods.filter((pod) => {
      const workload = workloadOfPod(pod);
      return workload?.kind === kind && workload.name === name;
    });
    const rollout = rolloutOf(object, kind, own, revisions);
    if (!rollout) return;
    const { memory, decision } = guardRollout(
      rollout,
      generation,
      this.#memories.get(name),
      this.#options.clock.now().getTime(),
      this.#options,
    );
    this.#memories.set(name, memory);
    if (rollout.current === rollout.lastGood) this.#settled.set(name, generation);
    await this.#carryOut(decision, guarded, rollout);
  }

  async #carryOut(decision: GuardDecision, guarded: Guarded, rollout: Rollout): Promise<void> {
    const { current, lastGood, lastGoodTemplate, rollbacks } = rollout;
    switch (decision.do) {
      case "nothing":
        return;
      case "mark-good": {
        const { [current]: _, ...others } = rollbacks;
        const annotations = { [lastGoodAnnotation]: current, [rollbacksAnnotation]: JSON.stringify(others) };
        if (await this.#patch(guarded, annotations, []))
          this.#log(guarded, "info", "good", `all pods of revision ${current} are well`);
        return;
      }
      case "remind": {
        const annotations = { [remindedAnnotation]: this.#options.clock.now().toISOString() };
        if (await this.#patch(guarded, annotations, [])) this.#log(guarded, "info", "remind", decision.why);
        return;
      }
      case "roll-back": {
        const why = `revision ${current} was rolled back to ${lastGood}: ${decision.why}`;
        const annotations = {
          [rollbacksAnnotation]: JSON.stringify({ ...rollbacks, [current]: (rollbacks[current] ?? 0) + 1 }),
          [rolledBackAnnotation]: `${this.#options.clock.now().toISOString()} ${why}`,
        };
        const template = [{ op: "replace", path: "/spec/template", value: lastGoodTemplate }];
        if (!(await this.#patch(guarded, annotations, template))) return;
        this.#log(guarded, "warning", "roll back", why);
        await this.#event(guarded, "RolledBack", why);
        return;
      }
      case "give-up":
        this.#log(guarded, "warning", "give up", decision.why);
        await this.#event(guarded, "RollbackGivenUp", `revision ${current}: ${decision.why}`);
    }
  }

  /** @returns false when the object is no longer the one that was looked at */
  async #patch(
    { kind, name, object }: Guarded,
    annotations: Record<string, string>,
    more: object[],
  ): Promise<boolean> {
    const operations = [
      { op: "test", path: "/metadata/resourceVersion", value: object.metadata?.resourceVersion },
      ...more,
      ...(object.metadata?.annotations ? [] : [{ op: "add", path: "/metadata/annotations", value: {} }]),
      ...Object.entries(annotations).map(([key, value]) => ({
        op: "add",
        path: `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
        value,
      })),
    ];
    try {
      await this.#api.patch(kind === "DaemonSet" ? "daemonsets" : "deployments", name, operations);
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 409 || status === 422) return false;
      throw error;
    }
  }

  async #event({ kind, name, object }: Guarded, reason: string, message: string): Promise<void> {
    const subject = { apiVersion: "apps/v1", kind, name, uid: object.metadata?.uid };
    await this.#api.event(subject, { type: "Warning", reason, message });
  }

  #log({ name }: Guarded, level: "info" | "warning", message: string, why: string): void {
    this.#options.log({ level, message, workload: `${this.#options.namespace}/${name}`, why });
  }
}

function guardedOf({ daemonSets, deployments }: ApiSnapshot): Guarded[] {
  const guarded = (kind: Guarded["kind"]) => (object: DaemonSet | Deployment) => ({
    kind,
    name: object.metadata?.name ?? "",
    generation: object.metadata?.generation ?? 0,
    object,
  });
  const isCheckpointed = ({ object }: Guarded) =>
    object.spec?.template.metadata?.annotations?.[checkpointAnnotation] === "true";
  return [...daemonSets.map(guarded("DaemonSet")), ...deployments.map(guarded("Deployment"))].filter(
    isCheckpointed,
  );
}
