import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Context } from "../base/context.js";
import type { Machine } from "../machines/driver.js";
import { planCluster } from "../plan/plan.js";
import { resolveSpec } from "../spec/resolve.js";
import { facts } from "../spec/testing.js";
import { majorityOf, parseMembers, writeVoters } from "./etcd-members.js";
import { nodesToJoin } from "./join.js";
import { makeProfileDirectory } from "./profile.js";

test("members are read as etcdctl lists them", () => {
  const text = `2c8e4e3a4d07d2a1, started, ha, https://10.77.0.2:2380, https://10.77.0.2:2379, false
91bc3c398fb3c146, unstarted, , https://10.77.0.3:2380, , true
`;
  expect(parseMembers(text)).toEqual([
    { id: "2c8e4e3a4d07d2a1", name: "ha", peerUrl: "https://10.77.0.2:2380", isLearner: false },
    { id: "91bc3c398fb3c146", name: "", peerUrl: "https://10.77.0.3:2380", isLearner: true },
  ]);
});

test("a majority is more than half", () => {
  expect([1, 2, 3, 4, 5].map(majorityOf)).toEqual([1, 2, 2, 3, 3]);
});

describe("who has to join", () => {
  let context: Context;
  const state = { directory: "" };
  beforeAll(async () => {
    state.directory = await mkdtemp(join(tmpdir(), "slipway-join-"));
    context = { paths: { state: state.directory } } as Context;
    await makeProfileDirectory("ha", context);
  });
  afterAll(() => rm(state.directory, { recursive: true }));

  const plan = planCluster(resolveSpec({ metadata: { name: "ha" }, controlPlanes: 3 }, facts), {
    cgroupVersion: 1,
    mayLowerOomScore: false,
    nameservers: [],
  });
  const machines = (...names: string[]): Machine[] =>
    names.map((name) => ({ cluster: "ha", name, role: "control-plane", address: "", state: "stopped" }));
  const joining = async (...there: string[]) =>
    (await nodesToJoin(plan, machines(...there), context)).map(({ name }) => name);

  test("nobody while the first members are made, though a killed run made some", async () => {
    expect(await joining("ha")).toEqual([]);
  });

  test("then those without a machine, or without a vote", async () => {
    await writeVoters("ha", ["ha", "ha-m02", "ha-m03"], context);
    expect(await joining("ha", "ha-m02", "ha-m03")).toEqual([]);
    expect(await joining("ha", "ha-m03")).toEqual(["ha-m02"]);
    await writeVoters("ha", ["ha"], context);
    expect(await joining("ha", "ha-m02")).toEqual(["ha-m02", "ha-m03"]);
  });

  test("not when more were lost than etcd outlasts; all anew when there is none left", async () => {
    await writeVoters("ha", ["ha", "ha-m02", "ha-m03"], context);
    await expect(joining("ha")).rejects.toMatchObject({
      code: "QUORUM_LOST",
      message: "of the 3 members of etcd 1 has its machine; it needs 2",
      details: { lost: "ha-m02, ha-m03" },
    });
    expect(await joining()).toEqual([]);
  });
});
