import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CheckpointAction,
  type CheckpointObservation,
  type CheckpointState,
  type CheckpointTiming,
  type ParentPlace,
  transition,
} from "./state.js";

const timing: CheckpointTiming = {
  activateAfterMs: 10_000,
  abandonedAfterMs: 3_000,
  graceMs: 60_000,
  retryAfterMs: 30_000,
};
const now = 1_000_000;

const seen = (more: Partial<CheckpointObservation> = {}): CheckpointObservation => ({
  nowMs: now,
  runtime: { parentRunning: true, copyStarted: true, silentForMs: 0, abandonedForMs: 0 },
  api: { parent: "here", parentHealthy: false },
  isSelf: false,
  stored: true,
  othersLeft: false,
  leaving: false,
  ...more,
});
const quiet = { parentRunning: false, copyStarted: true, silentForMs: 10_000, abandonedForMs: 0 };
const brieflyQuiet = { ...quiet, silentForMs: 9_999 };
const abandoned = { ...quiet, silentForMs: 3_000, abandonedForMs: 3_000 };
const brieflyAbandoned = { ...abandoned, abandonedForMs: 2_999 };
const up = (parent: ParentPlace, parentHealthy = false) => ({ parent, parentHealthy });
const down = undefined;

const inactive: CheckpointState = { name: "inactive" };
const inactiveGrace: CheckpointState = { name: "inactive-grace", sinceMs: now - 59_999 };
const inactiveExpired: CheckpointState = { name: "inactive-grace", sinceMs: now - 60_000 };
const active: CheckpointState = { name: "active", sinceMs: now - 5_000, tries: 0 };
const activeGrace: CheckpointState = {
  name: "active-grace",
  sinceMs: now - 59_999,
  activeSinceMs: 0,
  tries: 0,
};
const activeExpired: CheckpointState = { ...activeGrace, sinceMs: now - 60_000 };
const self: CheckpointState = { name: "self", sinceMs: now - 5_000, tries: 0 };
const selfGrace: CheckpointState = { name: "self-grace", sinceMs: now - 59_999, activeSinceMs: 0, tries: 0 };
const selfExpired: CheckpointState = { ...selfGrace, sinceMs: now - 60_000 };

type Row = [
  title: string,
  state: CheckpointState,
  observation: Partial<CheckpointObservation>,
  next: CheckpointState["name"],
  action?: CheckpointAction,
];

describe("each row of the table", () => {
  test.each<Row>([
    ["none, nothing stored", { name: "none" }, { stored: false }, "none"],
    ["none, stored", { name: "none" }, {}, "inactive"],
    ["none, stored, API down", { name: "none" }, { api: down, runtime: quiet }, "inactive"],
    ["none, the checkpointer's own, stored", { name: "none" }, { isSelf: true }, "self", "activate"],

    ["inactive, down, running", inactive, { api: down }, "inactive"],
    ["inactive, down, silent for a moment", inactive, { api: down, runtime: brieflyQuiet }, "inactive"],
    ["inactive, down, silent", inactive, { api: down, runtime: quiet }, "active", "activate"],
    ["inactive, down, abandoned", inactive, { api: down, runtime: abandoned }, "active", "activate"],
    [
      "inactive, down, abandoned a moment ago",
      inactive,
      { api: down, runtime: brieflyAbandoned },
      "inactive",
    ],
    ["inactive, here, abandoned", inactive, { runtime: abandoned }, "inactive"],
    ["inactive, here, running", inactive, {}, "inactive"],
    ["inactive, here, silent", inactive, { runtime: quiet }, "active", "activate"],
    ["inactive, nowhere, running", inactive, { api: up("nowhere") }, "inactive"],
    ["inactive, nowhere, silent", inactive, { api: up("nowhere"), runtime: quiet }, "active", "activate"],
    ["inactive, elsewhere", inactive, { api: up("elsewhere"), runtime: quiet }, "inactive-grace"],
    ["inactive, gone", inactive, { api: up("gone"), runtime: quiet }, "inactive-grace"],

    ["inactive-grace, down, running", inactiveGrace, { api: down }, "inactive-grace"],
    ["inactive-grace, down, running, expired", inactiveExpired, { api: down }, "inactive-grace"],
    ["inactive-grace, down, silent", inactiveGrace, { api: down, runtime: quiet }, "active", "activate"],
    ["inactive-grace, here", inactiveGrace, {}, "inactive"],
    ["inactive-grace, nowhere", inactiveGrace, { api: up("nowhere") }, "inactive"],
    ["inactive-grace, elsewhere", inactiveGrace, { api: up("elsewhere") }, "inactive-grace"],
    ["inactive-grace, elsewhere, expired", inactiveExpired, { api: up("elsewhere") }, "none", "remove"],
    ["inactive-grace, gone, expired", inactiveExpired, { api: up("gone"), runtime: quiet }, "none", "remove"],

    ["active, down, parent running", active, { api: down }, "active"],
    ["active, down, silent", active, { api: down, runtime: quiet }, "active"],
    ["active, here, running, not healthy", active, {}, "active"],
    ["active, here, healthy", active, { api: up("here", true) }, "inactive", "deactivate"],
    ["active, here, silent", active, { runtime: quiet }, "active"],
    ["active, nowhere", active, { api: up("nowhere"), runtime: quiet }, "active"],
    ["active, elsewhere", active, { api: up("elsewhere"), runtime: quiet }, "active-grace"],
    ["active, gone", active, { api: up("gone"), runtime: quiet }, "active-grace"],

    ["active-grace, down", activeGrace, { api: down, runtime: quiet }, "active"],
    ["active-grace, down, expired", activeExpired, { api: down, runtime: quiet }, "active"],
    ["active-grace, here", activeGrace, {}, "active"],
    ["active-grace, nowhere", activeGrace, { api: up("nowhere") }, "active"],
    ["active-grace, gone", activeGrace, { api: up("gone"), runtime: quiet }, "active-grace"],
    ["active-grace, gone, expired", activeExpired, { api: up("gone"), runtime: quiet }, "none", "remove"],
    ["active-grace, elsewhere, expired", activeExpired, { api: up("elsewhere") }, "none", "remove"],

    ["self, down", self, { isSelf: true, api: down, runtime: quiet }, "self"],
    ["self, here, healthy", self, { isSelf: true, api: up("here", true) }, "self"],
    ["self, nowhere", self, { isSelf: true, api: up("nowhere") }, "self"],
    ["self, elsewhere", self, { isSelf: true, api: up("elsewhere") }, "self-grace"],
    ["self, gone", self, { isSelf: true, api: up("gone") }, "self-grace"],
    ["self-grace, down, expired", selfExpired, { isSelf: true, api: down }, "self"],
    ["self-grace, here", selfGrace, { isSelf: true }, "self"],
    ["self-grace, gone", selfGrace, { isSelf: true, api: up("gone") }, "self-grace"],
    [
      "self-grace, gone, expired, others left",
      selfExpired,
      { isSelf: true, api: up("gone"), othersLeft: true },
      "self-grace",
    ],
    ["self-grace, gone, expired, alone", selfExpired, { isSelf: true, api: up("gone") }, "none", "remove"],
  ])("%s", (_title, state, observation, next, action) => {
    const result = transition(state, seen(observation), timing);
    expect([result.state.name, result.action]).toEqual([next, action]);
    // Whatever changes says why.
    if (next !== state.name || action !== undefined) expect(result.why).toBeTruthy();
    else expect(result.why).toBeUndefined();
  });
});

describe("a copy that the kubelet did not start", () => {
  const unstarted = { parentRunning: false, copyStarted: false, silentForMs: 60_000, abandonedForMs: 0 };

  test.each([
    ["API down", active, { api: down }],
    ["here", active, {}],
    ["nowhere", active, { api: up("nowhere") }],
    ["the checkpointer's own", self, { isSelf: true }],
  ] as [string, CheckpointState, Partial<CheckpointObservation>][])(
    "is tried again: %s",
    (_, state, more) => {
      const observation = { ...more, runtime: unstarted };
      const early = { ...state, sinceMs: now - 29_999 } as CheckpointState;
      expect(transition(early, seen(observation), timing)).toEqual({ state: early });
      const late = { ...state, sinceMs: now - 30_000 } as CheckpointState;
      expect(transition(late, seen(observation), timing)).toMatchObject({
        state: { name: state.name, sinceMs: now, tries: 1 },
        action: "activate",
      });
    },
  );

  test("is tried less and less often, but never given up", () => {
    const actionAfter = (tries: number, ms: number) =>
      transition(
        { name: "active", sinceMs: now - ms, tries },
        seen({ api: down, runtime: unstarted }),
        timing,
      ).action;
    expect([actionAfter(1, 59_999), actionAfter(1, 60_000)]).toEqual([undefined, "activate"]);
    expect([actionAfter(100, 479_999), actionAfter(100, 480_000)]).toEqual([undefined, "activate"]);
  });

  test("is not tried again while the workload's own pod runs", () => {
    const runtime = { parentRunning: true, copyStarted: false, silentForMs: 0, abandonedForMs: 0 };
    expect(transition({ ...active, sinceMs: 0 }, seen({ runtime }), timing).action).toBeUndefined();
  });
});

describe("while the checkpointer leaves the node", () => {
  test("inactive checkpoints go", () => {
    expect(transition(inactive, seen({ leaving: true }), timing).action).toBe("remove");
    expect(transition(inactiveGrace, seen({ leaving: true, api: up("gone") }), timing).action).toBe("remove");
  });

  test("a copy that serves stays until the workload's own pod is healthy", () => {
    expect(transition(active, seen({ leaving: true, runtime: quiet }), timing).state.name).toBe("active");
    expect(transition(active, seen({ leaving: true, api: up("here", true) }), timing).action).toBe(
      "deactivate",
    );
  });
});

const states = fc.oneof(
  fc.constant<CheckpointState>({ name: "none" }),
  fc.constant<CheckpointState>({ name: "inactive" }),
  ...(["inactive-grace", "active", "active-grace", "self", "self-grace"] as const).map((name) =>
    fc
      .record({ sinceMs: fc.integer({ min: 0, max: now }), tries: fc.nat(20), activeSinceMs: fc.nat(now) })
      .map((rest) => ({ name, ...rest }) as CheckpointState),
  ),
);
const observations = fc.record({
  nowMs: fc.constant(now),
  runtime: fc.option(
    fc.record({
      parentRunning: fc.boolean(),
      copyStarted: fc.boolean(),
      silentForMs: fc.nat(100_000),
      abandonedForMs: fc.nat(100_000),
    }),
    { nil: undefined },
  ),
  api: fc.option(
    fc.record({
      parent: fc.constantFrom<ParentPlace>("here", "elsewhere", "nowhere", "gone"),
      parentHealthy: fc.boolean(),
    }),
    { nil: undefined },
  ),
  isSelf: fc.boolean(),
  stored: fc.boolean(),
  othersLeft: fc.boolean(),
  leaving: fc.boolean(),
});
const isSelfState = ({ name }: CheckpointState) => name.startsWith("self");

describe("whatever is seen", () => {
  test("without an answer of the container runtime nothing happens", () => {
    fc.assert(
      fc.property(states, observations, (state, observation) => {
        expect(transition(state, { ...observation, runtime: undefined }, timing)).toEqual({ state });
      }),
    );
  });

  test("nothing is activated beside a running pod of the workload, the checkpointer's own excepted", () => {
    fc.assert(
      fc.property(states, observations, (state, observation) => {
        fc.pre(observation.runtime?.parentRunning === true && !observation.isSelf && !isSelfState(state));
        expect(transition(state, observation, timing).action).not.toBe("activate");
      }),
    );
  });

  test("without the API nothing is taken away or removed", () => {
    fc.assert(
      fc.property(states, observations, (state, observation) => {
        fc.pre(!observation.leaving);
        const { action } = transition(state, { ...observation, api: undefined }, timing);
        expect(action === undefined || action === "activate").toBe(true);
      }),
    );
  });

  test("a serving copy ends only for a healthy pod, or after the grace period without the workload", () => {
    fc.assert(
      fc.property(states, observations, (state, observation) => {
        fc.pre(state.name === "active" || state.name === "active-grace");
        const { action } = transition(state, observation, timing);
        if (action === "deactivate") expect(observation.api).toEqual(up("here", true));
        if (action === "remove") expect(observation.api?.parent).toMatch(/^(gone|elsewhere)$/);
      }),
    );
  });
});
