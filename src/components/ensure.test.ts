import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { createBundle } from "./bundle.js";
import { refOf } from "./catalog.js";
import { ensureComponents } from "./ensure.js";
import { dropComponents, storeFile } from "./store.js";
import { TestContext } from "./test-context.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

const refs = ["busybox", "pause", "etcd", "runc"].map((name) => refOf(name));

const putAll = () =>
  Promise.all(
    refs.map((ref) =>
      storeFile(
        ref,
        "binary",
        async (path) => {
          await writeFile(path, ref.name);
          return { provenance: { source: "debian", origin: "a test" } };
        },
        context,
      ),
    ),
  );

test("offline, all that is missing is listed, and nothing is tried", async () => {
  const error = await ensureComponents(refs, { offline: true }, context).catch((e: unknown) => e);
  expect(isSlipwayError(error, "OFFLINE_MISSING") && error.details.missing).toBe(
    "busybox 1.35.0, etcd v3.6.8, pause 3.10.1, runc v1.5.2",
  );
  expect(context.seen).toEqual([]);
});

test("offline, a bundle gives what the store lacks", async () => {
  await putAll();
  const bundle = join(context.directory, "demo.tar");
  await createBundle(refs, bundle, context);
  await dropComponents(refs, context);
  const found = await ensureComponents(refs, { offline: true, bundle }, context);
  expect([...found.keys()].sort()).toEqual(["busybox", "etcd", "pause", "runc"]);
  expect(found.get("etcd")?.provenance.source).toBe("bundle");
});

test("what the store has is given back without a word", async () => {
  await putAll();
  context.seen.length = 0;
  const found = await ensureComponents([...refs, refs[0]!], {}, context);
  expect(found.size).toBe(4);
  expect(context.seen).toEqual([]);
});

test.each([
  ["an unknown name", [{ name: "kubelot", version: "v1" }], "COMPONENT_UNKNOWN"],
  ["an unknown version", [{ name: "kubelet", version: "v1.0.0" }], "COMPONENT_UNKNOWN"],
  ["two versions of one", [refOf("kubelet", "v1.36.3"), refOf("kubelet", "v1.34.4")], "USAGE"],
] as const)("%s is refused before anything is done", async (_, wanted, code) => {
  await expect(ensureComponents(wanted, {}, context)).rejects.toSatisfy((e) => isSlipwayError(e, code));
  expect(context.seen).toEqual([]);
});
