import { messageOf } from "../../base/errors.js";
import type { Pod } from "../../kube/wire.js";
import type { ContainerRuntime } from "./container-runtime.js";
import type { ApiSnapshot, ControlPlaneApi } from "./control-plane-api.js";
import { CheckpointDisk, type StoredCheckpoint } from "./disk.js";
import { Guard } from "./guard-runner.js";
import { identityNamespace, isKnownCluster } from "./known-cluster.js";
import {
  type LocalPods,
  localPods,
  parentPlace,
  podsByWorkload,
  readySinceMs,
  silent,
  type WorkloadPods,
} from "./observe.js";
import type { CheckpointerOptions } from "./options.js";
import { isPromotable } from "./promotion.js";
import { referencesOf } from "./references.js";
import { type CheckpointObservation, type CheckpointState, transition } from "./state.js";
import { staticCopy } from "./static-copy.js";
import { keyOf, revisionHashLabel, templateHashLabel, type Workload } from "./workload.js";

/** How often the Secrets and ConfigMaps of a pod that has not changed are looked at. */
const dataIntervalMs = 30_000;

/** What is remembered of a workload between looks; all of it can be lost. */
interface Memory {
  state: CheckpointState;
  /** Monotonic: when something of the workload last ran here, or was first looked for. */
  ranMs: number;
  /** Monotonic: when a pod of the workload last had a sandbox here. */
  sandboxMs: number;
  /** Wall clock, as all times below: since when one pod of it is alone here. */
  alone?: { uid: string; sinceMs: number };
  /** The candidate's objects, as last looked at. */
  looked?: { uid: string; atMs: number };
  candidate?: { fingerprint: string; sinceMs: number };
  refused?: string;
}

/**
 * The work of one look around: what runs here, what the API says, what is on the disk; then promotions, transitions and the
 * guard. Whatever fails is tried again at the next look, from what is there then.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #runtime: ContainerRuntime;
  readonly #api: ControlPlaneApi;
  readonly #disk: CheckpointDisk;
  readonly #guard: Guard;
  readonly #memories = new Map<string, Memory>();
  readonly #problems = new Map<string, string>();

  constructor(options: CheckpointerOptions, runtime: ContainerRuntime, api: ControlPlaneApi) {
    this.#options = options;
    this.#runtime = runtime;
    this.#api = api;
    this.#disk = new CheckpointDisk(options.directory);
    this.#guard = new Guard(options, api);
  }

  prepare(): Promise<void> {
    return this.#disk.prepare();
  }

  async look(): Promise<void> {
    const [sandboxes, answer] = await Promise.all([
      this.#attempt("the container runtime", () => this.#runtime.sandboxes()),
      this.#attempt("the API server", () => this.#api.snapshot()),
    ]);
    // Who cannot see what runs must not start anything beside it.
    if (sandboxes === undefined) return;
    const stored = await this.#disk.load((file, problem) => this.#problem(file, problem));
    const local = localPods(sandboxes);
    const api = answer && (await this.#ofOurCluster(answer, local, stored));
    const pods = api && podsByWorkload(api.pods, this.#options.nodeName);
    const workloads = new Map<string, Workload>();
    for (const { workload } of [...(pods?.values() ?? []), ...stored.values()])
      workloads.set(keyOf(workload), workload);
    const nowMs = this.#options.clock.monotonicMs();
    for (const key of workloads.keys()) this.#remember(key, stored.get(key), local.get(key) ?? silent, nowMs);
    for (const { workload, here } of pods?.values() ?? []) {
      await this.#carefully(workload, () => this.#considerPromotion(workload, here, local, stored));
    }
    await this.#transitions(workloads, { stored, local, pods, api, nowMs });
    if (!api) return;
    await this.#attempt("the note of the cluster", () => this.#noteCluster(api, stored));
    await this.#guard.look(api);
  }

  /** undefined, as if it did not answer, when it serves another cluster than the one that the checkpoints are of. */
  async #ofOurCluster(
    answer: ApiSnapshot,
    local: ReadonlyMap<string, LocalPods>,
    stored: ReadonlyMap<string, StoredCheckpoint>,
  ): Promise<ApiSnapshot | undefined> {
    const known = stored.size > 0 ? await this.#disk.cluster() : undefined;
    const { clusterUid: uid } = answer;
    const isAnother = known !== undefined && uid !== undefined && uid !== known;
    const ownPodRuns =
      isAnother &&
      ((await this.#attempt("the checkpointer's own pod", () => this.#ownPodRuns(answer, local))) ?? false);
    if (isKnownCluster({ known, uid, ownPodRuns })) {
      this.#problems.delete(clusterSubject);
      return answer;
    }
    const other = uid === undefined ? `there is no namespace ${identityNamespace}` : `it serves ${uid}`;
    this.#problem(clusterSubject, `checkpoints here are of cluster ${known}; ${other}: it counts as away`);
    return undefined;
  }

  async #ownPodRuns({ pods }: ApiSnapshot, local: ReadonlyMap<string, LocalPods>): Promise<boolean> {
    const { nodeName, namespace, selfName } = this.#options;
    const key = keyOf({ namespace, name: selfName });
    const running = local.get(key)?.parents;
    for (const { metadata } of podsByWorkload(pods, nodeName).get(key)?.here ?? []) {
      if (metadata?.uid === undefined || !running?.has(metadata.uid)) continue;
      if ((await this.#api.podUid(metadata.name ?? "")) === metadata.uid) return true;
    }
    return false;
  }

  async #noteCluster(
    { clusterUid }: ApiSnapshot,
    stored: ReadonlyMap<string, StoredCheckpoint>,
  ): Promise<void> {
    const known = await this.#disk.cluster();
    if (stored.size === 0) return known === undefined ? undefined : this.#disk.forgetCluster();
    if (clusterUid === undefined || clusterUid === known) return;
    await this.#disk.noteCluster(clusterUid);
    this.#options.log({ level: "info", message: "checkpoints are of cluster", cluster: clusterUid, known });
  }

  async #transitions(workloads: ReadonlyMap<string, Workload>, seen: Seen): Promise<void> {
    const isSelf = ({ name }: Workload) => name === this.#options.selfName;
    const self = [...workloads.values()].find(isSelf);
    const leaving = self !== undefined && this.#isLeaving(self, seen);
    // The checkpointer's own comes last: it stays until all others are cleaned up.
    for (const workload of [...workloads.values()].sort((a, b) => Number(isSelf(a)) - Number(isSelf(b)))) {
      await this.#carefully(workload, () => this.#transition(workload, isSelf(workload), leaving, seen));
    }
  }

  #isLeaving(self: Workload, { pods, api, nowMs }: Seen): boolean {
    const state = this.#memories.get(keyOf(self))?.state;
    if (!api || state?.name !== "self-grace" || nowMs - state.sinceMs < this.#options.graceMs) return false;
    const place = parentPlace(self, pods?.get(keyOf(self)), api);
    return place === "gone" || place === "elsewhere";
  }

  async #transition(workload: Workload, isSelf: boolean, leaving: boolean, seen: Seen): Promise<void> {
    const key = keyOf(workload);
    const memory = this.#memories.get(key)!;
    const checkpoint = seen.stored.get(key);
    const running = seen.local.get(key) ?? silent;
    const here = seen.pods?.get(key);
    const observation: CheckpointObservation = {
      nowMs: seen.nowMs,
      runtime: {
        parentRunning: running.parents.size > 0,
        copyStarted: running.copyStarted,
        silentForMs: seen.nowMs - memory.ranMs,
        abandonedForMs: seen.nowMs - memory.sandboxMs,
      },
      api: seen.api && {
        parent: parentPlace(workload, here, seen.api),
        parentHealthy: this.#isHealthy(here?.here ?? [], running),
      },
      isSelf,
      stored: checkpoint !== undefined,
      othersLeft: [...seen.stored.keys()].some((other) => other !== key),
      leaving: leaving && !isSelf,
    };
    const { state, action, why } = transition(memory.state, observation, this.#options);
    if (action === "activate" && checkpoint) await this.#disk.activate(checkpoint, this.#options.clock.now());
    if (action === "deactivate") await this.#disk.deactivate(workload);
    if (action === "remove") {
      await this.#disk.remove(workload);
      seen.stored.delete(key);
    }
    if (why !== undefined) {
      this.#options.log({
        level: "info",
        message: action === undefined ? "state" : action,
        workload: key,
        from: memory.state.name,
        to: state.name,
        why,
      });
    }
    memory.state = state;
    if (state.name === "none" && seen.pods?.get(key) === undefined) this.#memories.delete(key);
  }

  /** One of the workload's pods here is Ready, runs, and has done so for a while. */
  #isHealthy(here: readonly Pod[], { parents }: LocalPods): boolean {
    const nowMs = this.#options.clock.now().getTime();
    return here.some((pod) => {
      const sinceMs = readySinceMs(pod);
      return (
        sinceMs !== undefined &&
        parents.has(pod.metadata?.uid ?? "") &&
        nowMs - sinceMs >= this.#options.promoteAfterMs
      );
    });
  }

  /** Brings what is remembered and what is there together: a killed run, or a person, may have changed the disk. */
  #remember(key: string, stored: StoredCheckpoint | undefined, local: LocalPods, nowMs: number): void {
    const isSelf = stored?.workload.name === this.#options.selfName;
    let memory = this.#memories.get(key);
    if (!memory) {
      memory = { state: { name: "none" }, ranMs: nowMs, sandboxMs: nowMs };
      this.#memories.set(key, memory);
    }
    if (local.parents.size > 0) memory.ranMs = nowMs;
    if (local.parentSandbox) memory.sandboxMs = nowMs;
    const { name } = memory.state;
    if (stored?.active && (name === "none" || name === "inactive" || name === "inactive-grace"))
      memory.state = { name: isSelf ? "self" : "active", sinceMs: nowMs, tries: 0 };
    else if (stored === undefined && name !== "none") memory.state = { name: "none" };
    else if (stored && !stored.active && name !== "none" && name !== "inactive-grace")
      memory.state = { name: isSelf ? "none" : "inactive" };
  }

  async #considerPromotion(
    workload: Workload,
    here: readonly Pod[],
    local: ReadonlyMap<string, LocalPods>,
    stored: Map<string, StoredCheckpoint>,
  ): Promise<void> {
    const { clock, promoteAfterMs, selfName } = this.#options;
    const key = keyOf(workload);
    const memory = this.#memories.get(key)!;
    const running = local.get(key) ?? silent;
    const isSelf = workload.name === selfName;
    const nowMs = clock.now().getTime();
    const [uid] = running.parents;
    // Beside another one its health says nothing: on the node's network they share a port, and either answers the probes.
    if (uid === undefined || running.parents.size > 1 || (running.copyStarted && !isSelf)) {
      delete memory.alone;
      return;
    }
    if (memory.alone?.uid !== uid) memory.alone = { uid, sinceMs: nowMs };
    const pod = here.find(({ metadata }) => metadata?.uid === uid);
    const sinceMs = pod && readySinceMs(pod);
    if (pod === undefined || sinceMs === undefined) return;
    if (nowMs - Math.max(sinceMs, memory.alone.sinceMs) < promoteAfterMs) return;
    if (memory.looked?.uid === uid && nowMs - memory.looked.atMs < dataIntervalMs) return;
    const objects = await this.#api.data(referencesOf(pod));
    memory.looked = { uid, atMs: nowMs };
    const result = staticCopy(pod, workload, objects, { directory: this.#options.directory, isSelf });
    if ("refusals" in result) return this.#refuse(workload, pod, result.refusals);
    delete memory.refused;
    const { copy, fingerprint } = result;
    if (memory.candidate?.fingerprint !== fingerprint) memory.candidate = { fingerprint, sinceMs: nowMs };
    const candidate = {
      fingerprint,
      revision: revisionOf(pod),
      readySinceMs: sinceMs,
      aloneSinceMs: memory.alone.sinceMs,
      seenSinceMs: memory.candidate.sinceMs,
    };
    const before = stored.get(key);
    if (!isPromotable(candidate, before, nowMs, this.#options)) return;
    await this.#disk.store(workload, copy);
    const checkpoint: StoredCheckpoint = {
      workload,
      manifest: copy.manifest,
      fingerprint,
      revision: candidate.revision,
      active: before?.active ?? false,
    };
    stored.set(key, checkpoint);
    this.#options.log({
      level: "info",
      message: "promote",
      workload: key,
      pod: pod.metadata?.name,
      revision: candidate.revision,
      why: `Ready and alone here for ${Math.round((nowMs - Math.max(sinceMs, memory.alone.sinceMs)) / 1000)} s; ${
        before === undefined ? "there was no checkpoint" : changeOf(before, candidate.revision)
      }`,
    });
    if (checkpoint.active) await this.#disk.activate(checkpoint, clock.now());
  }

  async #refuse(workload: Workload, pod: Pod, refusals: readonly string[]): Promise<void> {
    const memory = this.#memories.get(keyOf(workload))!;
    const text = `no checkpoint can be made of ${pod.metadata?.name}: ${refusals.join("; ")}`;
    if (memory.refused === text) return;
    this.#options.log({ level: "warning", message: "refuse", workload: keyOf(workload), why: text });
    await this.#api.event(
      { apiVersion: "v1", kind: "Pod", name: pod.metadata?.name ?? "", uid: pod.metadata?.uid },
      { type: "Warning", reason: "CheckpointRefused", message: text },
    );
    memory.refused = text;
  }

  async #carefully(workload: Workload, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#problems.delete(keyOf(workload));
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#problem(keyOf(workload), messageOf(error));
    }
  }

  /** undefined when it does not answer, which is logged when it begins and when it ends. */
  async #attempt<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask();
      if (this.#problems.delete(what)) this.#options.log({ level: "info", message: `${what} answers again` });
      return answer;
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#problem(what, messageOf(error));
      return undefined;
    }
  }

  /** Said once for as long as it stays the same. */
  #problem(what: string, problem: string): void {
    if (this.#problems.get(what) === problem) return;
    this.#problems.set(what, problem);
    this.#options.log({ level: "warning", message: `trouble with ${what}`, why: problem });
  }
}

const clusterSubject = "the API server's cluster";

interface Seen {
  stored: Map<string, StoredCheckpoint>;
  local: ReadonlyMap<string, LocalPods>;
  pods: ReadonlyMap<string, WorkloadPods> | undefined;
  api: ApiSnapshot | undefined;
  nowMs: number;
}

const revisionOf = ({ metadata }: Pod): string =>
  metadata?.labels?.[revisionHashLabel] ?? metadata?.labels?.[templateHashLabel] ?? "";

const changeOf = ({ revision }: StoredCheckpoint, now: string): string =>
  revision === now ? "its Secrets or ConfigMaps changed" : `the checkpoint was of revision ${revision}`;
