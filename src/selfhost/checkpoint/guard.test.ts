import { describe, expect, test } from "vitest";
import type { DaemonSet, Deployment, KubeObject, Pod } from "../../kube/wire.js";
import { type GuardDecision, guardRollout, type RolloutMemory } from "./guard.js";
import { type Rollout, type RolloutPod, rolloutOf } from "./rollout.js";

const timing = { rollbackAfterMs: 120_000, promoteAfterMs: 15_000, maxRollbacks: 2 };
const start = 1_000_000;

const pod = (more: Partial<RolloutPod> = {}): RolloutPod => ({
  name: "new",
  node: "n",
  ending: false,
  updated: true,
  readySinceMs: undefined,
  failure: undefined,
  unreadySinceMs: undefined,
  ...more,
});
const old = pod({ name: "old", updated: false, readySinceMs: 0 });
const rollout = (pods: RolloutPod[], more: Partial<Rollout> = {}): Rollout => ({
  current: "bad",
  lastGood: "good",
  lastGoodTemplate: { spec: {} },
  rollbacks: {},
  guarded: true,
  desired: 1,
  minReadyMs: 0,
  pods,
  ...more,
});

/** Looks at a rollout at each of these times, and says what was decided at the last. */
function decide(looks: [atMs: number, rollout: Rollout][], generation = 2): GuardDecision {
  let memory: RolloutMemory | undefined;
  let decision: GuardDecision = { do: "nothing" };
  for (const [atMs, seen] of looks)
    ({ memory, decision } = guardRollout(seen, generation, memory, start + atMs, timing));
  return decision;
}
const stuck = (seen: Rollout, atMs: number) =>
  decide([
    [0, seen],
    [atMs, seen],
  ]);

describe("a rollout is rolled back", () => {
  const crashing = rollout([old, pod({ failure: "container main: CrashLoopBackOff" })]);

  test("when its new pods fail for long enough", () => {
    expect(stuck(crashing, 119_999).do).toBe("nothing");
    expect(stuck(crashing, 120_000)).toEqual({
      do: "roll-back",
      why: "pod new: container main: CrashLoopBackOff",
    });
  });

  test("when its new pods run and do not become Ready", () => {
    const unready = (sinceMs: number) => rollout([old, pod({ unreadySinceMs: start + sinceMs })]);
    expect(stuck(unready(0), 120_000).do).toBe("roll-back");
    expect(stuck(unready(1_000), 120_000).do).toBe("nothing");
  });

  test("when nothing at all comes of it for much longer", () => {
    expect(stuck(rollout([old]), 599_999).do).toBe("nothing");
    expect(stuck(rollout([old]), 600_000).do).toBe("roll-back");
  });
});

describe("a rollout is left alone", () => {
  const failing = pod({ failure: "container main: ImagePullBackOff" });

  test("while it moves, however slowly", () => {
    const ready = (count: number) =>
      rollout(
        [...Array.from({ length: count }, (_, i) => pod({ name: `r${i}`, readySinceMs: start })), failing],
        { desired: 9 },
      );
    expect(
      decide([
        [0, ready(0)],
        [119_000, ready(1)],
        [238_000, ready(2)],
        [357_000, ready(3)],
      ]).do,
    ).toBe("nothing");
  });

  test("when it is well elsewhere and one node's pod only does not become Ready", () => {
    const seen = rollout([pod({ readySinceMs: start }), pod({ unreadySinceMs: start })], { desired: 2 });
    expect(stuck(seen, 10_000_000).do).toBe("nothing");
  });

  test("when no revision was good before, or its template is gone, or the user said so", () => {
    for (const more of [
      { lastGood: undefined, lastGoodTemplate: undefined },
      { lastGoodTemplate: undefined },
      { guarded: false },
    ]) {
      expect(stuck(rollout([old, failing], more), 10_000_000).do).toBe("nothing");
    }
  });

  test("when it is the good one", () => {
    expect(stuck(rollout([failing], { current: "good" }), 10_000_000).do).toBe("nothing");
  });

  test("a new generation begins anew", () => {
    let memory = guardRollout(rollout([failing]), 2, undefined, start, timing).memory;
    memory = guardRollout(rollout([failing]), 3, memory, start + 119_000, timing).memory;
    expect(guardRollout(rollout([failing]), 3, memory, start + 121_000, timing).decision.do).toBe("nothing");
  });
});

test("a revision that is set again and again is let go, and that is said once", () => {
  const failing = (count: number) =>
    rollout([old, pod({ failure: "container main: ErrImagePull" })], { rollbacks: { bad: count } });
  expect(stuck(failing(1), 120_000).do).toBe("roll-back");
  const { memory } = guardRollout(failing(2), 2, undefined, start, timing);
  const second = guardRollout(failing(2), 2, memory, start + 120_000, timing);
  expect(second.decision).toMatchObject({ do: "give-up", why: expect.stringContaining("2 times") });
  expect(guardRollout(failing(2), 2, second.memory, start + 125_000, timing).decision.do).toBe("nothing");
});

test("a revision is good when all its pods have been well for a while", () => {
  const ready = (sinceMs: number) => pod({ readySinceMs: start + sinceMs });
  expect(decide([[15_000, rollout([ready(0)])]]).do).toBe("mark-good");
  expect(decide([[14_999, rollout([ready(0)])]]).do).toBe("nothing");
  expect(decide([[15_000, rollout([ready(0), old])]]).do).toBe("nothing");
  expect(decide([[15_000, rollout([ready(0)], { desired: 2 })]]).do).toBe("nothing");
  expect(decide([[15_000, rollout([], { desired: 0 })]]).do).toBe("nothing");
});

describe("a controller is reminded", () => {
  const minReadyMs = 20_000;
  const ready = pod({ readySinceMs: start });
  const beside = (pods: RolloutPod[], more: Partial<Rollout> = {}) =>
    rollout(pods, { minReadyMs, lastGood: undefined, lastGoodTemplate: undefined, ...more });

  test("when a new pod has been ready for long enough, and the old one beside it stays; and again when it does", () => {
    const seen = beside([old, ready]);
    expect(stuck(seen, 24_999).do).toBe("nothing");
    expect(stuck(seen, 25_000)).toEqual({
      do: "remind",
      why: "pod new has long been ready, and old beside it was not told to end",
    });
    const first: [number, Rollout] = [25_000, seen];
    expect(decide([first, [49_999, seen]]).do).toBe("nothing");
    expect(decide([first, [50_000, seen]]).do).toBe("remind");
  });

  test("not of what it does, cannot do yet, or is not asked for", () => {
    const seen = [
      beside([{ ...old, ending: true }, ready]),
      beside([{ ...old, node: "another" }, ready]),
      beside([old, pod()]),
      beside([old, ready], { guarded: false }),
      beside([old, ready], { minReadyMs: 0 }),
    ];
    for (const one of seen) expect(stuck(one, 60_000).do).toBe("nothing");
  });
});

describe("read from the API", () => {
  const owned = (labels: Record<string, string>, annotations: Record<string, string> = {}) => ({
    labels,
    annotations,
    ownerReferences: [{ apiVersion: "apps/v1", kind: "X", name: "x", uid: "owner" }],
  });
  const template = (image: string) => ({
    metadata: { labels: { app: "x", "pod-template-hash": image } },
    spec: { containers: [{ name: "main", image }] },
  });

  test("a DaemonSet's revisions are its ControllerRevisions, the newest by number", () => {
    const daemonSet = {
      metadata: {
        uid: "owner",
        generation: 3,
        annotations: { "slipway.dev/last-good-revision": "one", "slipway.dev/rollbacks": '{"two":1}' },
      },
      spec: { minReadySeconds: 20 },
      status: { observedGeneration: 3, desiredNumberScheduled: 2 },
    } as unknown as DaemonSet;
    const revision = (number: number, hash: string) =>
      ({
        metadata: owned({ "controller-revision-hash": hash }),
        revision: number,
        data: { spec: { template: { ...template(hash), $patch: "replace" } } },
      }) as KubeObject;
    const others = { ...revision(9, "other"), metadata: { ...owned({}), ownerReferences: [] } };
    const pods = [
      {
        metadata: { name: "a", labels: { "controller-revision-hash": "two" } },
        spec: { nodeName: "n" },
        status: {
          containerStatuses: [
            {
              name: "main",
              restartCount: 4,
              state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
              lastState: {
                terminated: {
                  exitCode: 1,
                  message:
                    'so far\nE1130 02:33:00.123456       1 run.go:72] "command failed" err="no such API"\n',
                },
              },
            },
          ],
        },
      },
    ] as unknown as Pod[];
    const seen = rolloutOf(daemonSet, "DaemonSet", pods, [revision(1, "one"), revision(2, "two"), others]);
    expect(seen).toEqual({
      current: "two",
      lastGood: "one",
      lastGoodTemplate: {
        metadata: { labels: { app: "x" } },
        spec: { containers: [{ name: "main", image: "one" }] },
      },
      rollbacks: { two: 1 },
      guarded: true,
      desired: 2,
      minReadyMs: 20_000,
      pods: [
        {
          name: "a",
          node: "n",
          ending: false,
          updated: true,
          readySinceMs: undefined,
          failure: 'container main ended with exit code 1, 4 restarts: "command failed" err="no such API"',
          unreadySinceMs: undefined,
        },
      ],
    });
    const behind = { ...daemonSet, status: { observedGeneration: 2 } } as unknown as DaemonSet;
    expect(rolloutOf(behind, "DaemonSet", pods, [])).toBeUndefined();
  });

  test("a Deployment's are its ReplicaSets, the one that has its number", () => {
    const number = (n: number) => ({ "deployment.kubernetes.io/revision": String(n) });
    const deployment = {
      metadata: {
        uid: "owner",
        generation: 1,
        annotations: { ...number(2), "slipway.dev/rollbacks": "torn" },
      },
      spec: { replicas: 2 },
      status: { observedGeneration: 1 },
    } as unknown as Deployment;
    const replicaSet = (n: number, hash: string) =>
      ({
        metadata: owned({ "pod-template-hash": hash }, number(n)),
        spec: { template: template(hash) },
      }) as KubeObject;
    const started = "2026-01-01T00:00:10Z";
    const pods = [
      {
        metadata: { name: "a", labels: { "pod-template-hash": "two" }, deletionTimestamp: started },
        status: {
          conditions: [{ type: "Ready", status: "False" }],
          containerStatuses: [
            {
              name: "main",
              restartCount: 1,
              state: { running: { startedAt: started } },
              lastState: { terminated: { exitCode: 1 } },
            },
          ],
        },
      },
    ] as unknown as Pod[];
    expect(rolloutOf(deployment, "Deployment", pods, [replicaSet(1, "one"), replicaSet(2, "two")])).toEqual({
      current: "two",
      lastGood: undefined,
      lastGoodTemplate: undefined,
      rollbacks: {},
      guarded: true,
      desired: 2,
      minReadyMs: 0,
      // It fell once and runs again: that is no failure yet.
      pods: [
        {
          name: "a",
          node: undefined,
          ending: true,
          updated: true,
          readySinceMs: undefined,
          failure: undefined,
          unreadySinceMs: Date.parse(started),
        },
      ],
    });
  });
});
