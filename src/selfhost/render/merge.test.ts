import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digest, mergeAssets, type RenderRecord } from "./merge.js";

/** A few paths and texts, so that they meet often. */
const path = fc.constantFrom("auth/kubeconfig", "manifests/a.yaml", "manifests/b.yaml", "tls/ca.crt");
const text = fc.constantFrom("one", "two", "three");
const tree = fc.dictionary(path, text).map((files) => new Map(Object.entries(files)));
const overwrite = fc.boolean();

const recordOf = (files: ReadonlyMap<string, string>): RenderRecord =>
  Object.fromEntries([...files].map(([name, contents]) => [name, [digest(contents)]]));

/** What stands on disk when a merge is carried out. */
function carriedOut(found: ReadonlyMap<string, string>, merged: ReturnType<typeof mergeAssets>) {
  const files = new Map(found);
  for (const { path: name, fate, rendered } of merged) {
    if (fate === "new" || fate === "updated") files.set(name, rendered);
  }
  return files;
}

describe("rendering over what is there", () => {
  test("every rendered file has one fate, and nothing else is spoken of", () => {
    fc.assert(
      fc.property(tree, tree, tree, overwrite, (rendered, found, last, all) => {
        const merged = mergeAssets(rendered, found, recordOf(last), { overwrite: all });
        expect(merged.map((asset) => asset.path)).toEqual([...rendered.keys()].sort());
      }),
    );
  });

  test("what somebody edited, removed or added stays as it is", () => {
    fc.assert(
      fc.property(tree, tree, tree, (rendered, found, last) => {
        const merged = mergeAssets(rendered, found, recordOf(last), { overwrite: false });
        const after = carriedOut(found, merged);
        for (const name of new Set([...found.keys(), ...last.keys()])) {
          if (found.get(name) !== last.get(name)) expect(after.get(name)).toBe(found.get(name));
        }
      }),
    );
  });

  test("what nobody touched is as rendered now", () => {
    fc.assert(
      fc.property(tree, tree, overwrite, (rendered, last, all) => {
        const merged = mergeAssets(rendered, last, recordOf(last), { overwrite: all });
        const after = carriedOut(last, merged);
        for (const [name, contents] of rendered) expect(after.get(name)).toBe(contents);
      }),
    );
  });

  test("with overwrite everything is as rendered now", () => {
    fc.assert(
      fc.property(tree, tree, tree, (rendered, found, last) => {
        const merged = mergeAssets(rendered, found, recordOf(last), { overwrite: true });
        const after = carriedOut(found, merged);
        for (const [name, contents] of rendered) expect(after.get(name)).toBe(contents);
      }),
    );
  });

  test("rendering the same again changes nothing, also when the first time was cut short", () => {
    fc.assert(
      fc.property(tree, tree, fc.nat(4), (rendered, before, written) => {
        const merged = mergeAssets(rendered, before, recordOf(before), { overwrite: false });
        const partly = carriedOut(before, merged.slice(0, written));
        // Noted before the first file is written: the last time's digests and this one's.
        const record = Object.fromEntries(
          merged.map((asset) => [
            asset.path,
            [...(recordOf(before)[asset.path] ?? []), digest(asset.rendered)],
          ]),
        );
        const again = mergeAssets(rendered, partly, record, { overwrite: false });
        const fates = new Set(again.map(({ fate }) => fate));
        expect(fates.has("edited")).toBe(false);
        const done = carriedOut(partly, again);
        const last = mergeAssets(rendered, done, recordOf(rendered), { overwrite: false });
        expect(last.filter(({ fate }) => fate === "new" || fate === "updated")).toEqual([]);
      }),
    );
  });
});
