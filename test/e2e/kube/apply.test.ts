import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSlipwayError, type SlipwayError } from "../../../src/base/errors.js";
import { applyObjects, deleteObjects } from "../../../src/kube/apply.js";
import { connect, type KubeClient } from "../../../src/kube/client.js";
import { pruneObjects } from "../../../src/kube/prune.js";
import type { KubeObject, Manifest } from "../../../src/kube/wire.js";
import { findBinaries } from "./binaries.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";
import { configMap, customObjects, someObjects } from "./objects.js";

let plane: ControlPlane;
let client: KubeClient;
beforeAll(async () => {
  plane = await startControlPlane(await findBinaries());
  client = connect(plane.admin);
});
afterAll(async () => {
  client?.close();
  await plane?.[Symbol.asyncDispose]();
});

const failureOf = (promise: Promise<unknown>): Promise<SlipwayError> =>
  promise.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error as SlipwayError,
  );
const versions = (objects: KubeObject[]) => objects.map(({ metadata }) => metadata?.resourceVersion);

test("applies to an API server that is only just starting: its system namespaces come later", async () => {
  const applied = await applyObjects(
    client,
    [...someObjects("first"), configMap("kube-system", "early"), configMap("default", "early")],
    { settleMs: 120_000 },
  );
  expect(applied.every(({ metadata }) => metadata?.uid !== undefined)).toBe(true);
});

test("the same objects again change nothing", async () => {
  const objects = someObjects("again");
  const first = await applyObjects(client, objects);
  expect(first.map((object) => object.kind)).toEqual(objects.map(({ kind }) => kind));
  expect(versions(await applyObjects(client, objects))).toEqual(versions(first));
});

test("a field that somebody else holds is taken over, and one that is left out is given up", async () => {
  const path = "/api/v1/namespaces/default/configmaps/shared";
  await client.call({
    method: "PATCH",
    path,
    query: { fieldManager: "somebody" },
    contentType: "application/apply-patch+yaml",
    body: configMap("default", "shared", { theirs: "1", both: "1" }),
  });
  await applyObjects(client, [configMap("default", "shared", { both: "2", ours: "2" })]);
  expect(await client.get(path)).toMatchObject({ data: { theirs: "1", both: "2", ours: "2" } });
  await applyObjects(client, [configMap("default", "shared", { both: "2" })]);
  expect((await client.get<{ data: object }>(path)).data).toEqual({ theirs: "1", both: "2" });
});

test("custom resources are applied with their definition in one call, also where the definition is older", async () => {
  const objects = customObjects("one.example.com", "default");
  await applyObjects(client, objects);
  const [boat] = objects as [Manifest];
  const [again] = await applyObjects(client, [{ ...boat, spec: { masts: 3 } }]);
  expect(again).toMatchObject({ kind: "Boat", spec: { masts: 3 } });
});

describe("what is refused", () => {
  test.each<[string, Manifest, RegExp]>([
    [
      "an unknown field",
      { ...configMap("default", "x"), dta: {} },
      /^ConfigMap default\/x: .*dta.*not declared/s,
    ],
    [
      "a wrong value",
      { apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec: { ports: [{ port: 70000 }] } },
      /^Service x: .*70000/s,
    ],
    ["a namespace that nobody makes", configMap("nowhere", "x"), /namespaces "nowhere" not found/],
  ])("%s: at once, by name", async (_what, object, message) => {
    const started = performance.now();
    const failure = await failureOf(applyObjects(client, [object]));
    expect(isSlipwayError(failure, "API_REFUSED"), String(failure)).toBe(true);
    expect(failure.message).toMatch(message);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("a kind that does not exist", async () => {
    const object = { apiVersion: "no.example.com/v1", kind: "Boat", metadata: { name: "x" } };
    const failure = await failureOf(applyObjects(client, [object], { settleMs: 300 }));
    expect(failure.message).toContain("has no kind Boat in no.example.com/v1");
  });

  test("an object without a name, before anything is sent", async () => {
    const nameless = { apiVersion: "v1", kind: "ConfigMap", metadata: {} } as Manifest;
    const failure = await failureOf(applyObjects(client, [configMap("default", "never"), nameless]));
    expect(failure.code).toBe("CONFIG_INVALID");
    expect(await client.find("/api/v1/namespaces/default/configmaps/never")).toBeUndefined();
  });

  test("a secret's contents are in no error", async () => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "x", namespace: "nowhere" },
      stringData: { password: "hunter2" },
    };
    const failure = await failureOf(applyObjects(client, [secret]));
    expect(JSON.stringify([failure, failure.message, failure.details, failure.stack])).not.toContain(
      "hunter2",
    );
  });

  test("a user without rights, named", async () => {
    await using nobody = connect(plane.credentialsFor("nobody"));
    const failure = await failureOf(applyObjects(nobody, [configMap("default", "x")], { settleMs: 200 }));
    expect(failure.message).toContain('User "nobody" cannot patch');
    expect(failure.details).toMatchObject({ status: "403", reason: "Forbidden" });
  });
});

test("rights that come a moment later are waited for, as in a cluster whose RBAC is being made", async () => {
  await using soon = connect(plane.credentialsFor("soon"));
  const applying = applyObjects(soon, [configMap("default", "soon")], { settleMs: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await applyObjects(client, [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "soon" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "soon" }],
    },
  ]);
  expect(await applying).toHaveLength(1);
});

test("an abort ends it with the signal's reason", async () => {
  const stop = new AbortController();
  const applying = applyObjects(client, someObjects("aborted", 300), { signal: stop.signal, limit: 2 });
  setTimeout(() => stop.abort(new Error("enough")), 30);
  await expect(applying).rejects.toThrow("enough");
});

test("a killed API server in the middle is waited for", async () => {
  const applying = applyObjects(client, someObjects("killed", 120), { settleMs: 120_000, limit: 4 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await plane.stopApiServer();
  plane.startApiServer();
  expect(await applying).toHaveLength(121);
});

test("deletes in reverse, twice if asked", async () => {
  const objects = customObjects("two.example.com", "default");
  await applyObjects(client, objects);
  await deleteObjects(client, objects);
  await deleteObjects(client, objects);
  const left = await client.find("/apis/two.example.com/v1/namespaces/default/boats/dinghy");
  expect(left).toBeUndefined();
});

test("prune removes what carries the label and is not kept", async () => {
  const keep = configMap("default", "keep");
  const labelled = (object: Manifest) => ({
    ...object,
    metadata: { ...object.metadata, labels: { owner: "prune-test" } },
  });
  await applyObjects(
    client,
    [keep, configMap("default", "old"), configMap("kube-system", "old")].map(labelled),
  );
  const { namespace: _, ...metadata } = keep.metadata;
  const pruned = await pruneObjects(client, [{ ...keep, metadata }], {
    labelSelector: "owner=prune-test",
    kinds: [{ apiVersion: "v1", kind: "ConfigMap" }],
  });
  expect(pruned.sort()).toEqual(["ConfigMap default/old", "ConfigMap kube-system/old"]);
  expect(await client.find("/api/v1/namespaces/default/configmaps/keep")).toBeDefined();
});
