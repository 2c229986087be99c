import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { isSlipwayError } from "../base/errors.js";
import { parseManifest } from "./manifest-text.js";

const configMap = (name: string, rest: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...rest,
});
const parse = (text: string) => parseManifest(text, "net.yaml");

function complaint(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isSlipwayError(error, "CONFIG_INVALID")) {
      return [error.message, ...Object.values(error.details)].join("\n");
    }
    throw error;
  }
  return expect.fail("nothing was refused");
}

test("documents, Lists and the lists of one kind are objects one after the other", () => {
  const text = [
    "# by hand",
    "---",
    stringify(configMap("a")),
    "---",
    stringify({ apiVersion: "v1", kind: "List", items: [configMap("b"), configMap("c")] }),
    "---",
    "# nothing here",
    "---",
    stringify({ apiVersion: "v1", kind: "ConfigMapList", items: [{ metadata: { name: "d" } }] }),
  ].join("\n");
  expect(parse(text)).toEqual(["a", "b", "c", "d"].map((name) => configMap(name)));
});

test("JSON is read, also with tabs", () => {
  expect(parse(JSON.stringify(configMap("a"), null, "\t"))).toEqual([configMap("a")]);
});

test("values mean what they mean to Kubernetes: YAML 1.1, without its numbers to base 60 and its dates", () => {
  const [object] = parse(`apiVersion: v1
kind: ConfigMap
metadata: {name: a}
mode: 0644
on: yes
time: 12:30
day: 2024-01-31
base: &base {x: 1}
merged: {<<: *base, y: 2}
8080: port
`);
  expect(object).toMatchObject({
    mode: 0o644,
    on: true,
    time: "12:30",
    day: "2024-01-31",
    merged: { x: 1, y: 2 },
    "8080": "port",
  });
});

describe("what is no manifest is refused", () => {
  test.each([
    ["", "net.yaml:1:1: there is no Kubernetes object in it"],
    ["# nothing\n---\n", "net.yaml:1:1: there is no Kubernetes object in it"],
    ["a: [1\n", "net.yaml:2:1: "],
    ["a: 1\na: 2\n", "net.yaml:2:1: Map keys must be unique"],
    ["just text\n", "net.yaml:1:1: is not a Kubernetes object"],
    ["- apiVersion: v1\n", "net.yaml:1:1: is not a Kubernetes object"],
    ["kind: Pod\nmetadata: {name: a}\n", "net.yaml:1:1 apiVersion: is missing"],
    ["apiVersion: v1\nkind: ''\nmetadata: {name: a}\n", "net.yaml:2:1 kind: is missing"],
    [
      "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: a\n",
      "net.yaml:3:1 metadata.name: is missing; every object needs one",
    ],
    [
      "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a}}\n  - 7\n",
      "net.yaml:5:5 items[1]: is not a Kubernetes object",
    ],
    ["x: *nowhere\n", "net.yaml: Unresolved alias"],
  ])("%j", (text, expected) => {
    expect(complaint(text)).toContain(expected);
  });

  test("all problems at once", () => {
    const text = "apiVersion: v1\n---\nkind: Pod\n";
    expect(complaint(text).split("\n")).toEqual([
      "net.yaml:1:1 kind: is missing",
      "net.yaml:3:1 apiVersion: is missing",
    ]);
  });

  test("aliases that expand without end, and nesting without end", () => {
    const layers = Array.from(
      { length: 12 },
      (_, i) =>
        `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${`*${String.fromCharCode(97 + i)},`.repeat(9)}]`,
    );
    expect(complaint(`a: &a [x]\n${layers.join("\n")}\n`)).toContain("net.yaml: Excessive alias count");
    expect(complaint("[".repeat(200_000))).toContain("net.yaml");
  });
});

test("any objects that are written as YAML are read as they were", () => {
  // As in the API: whole numbers, and texts, which may look like anything.
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.constantFrom("yes", "0644", "12:30", "2024-01-31", "1e3", "~", "null", "<<", "0x1f", "y", "1_000"),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 3 },
      ),
    ),
  }));
  const objects = fc.array(fc.record({ spec: value }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(objects, (specs) => {
      const wanted = specs.map((spec, i) => configMap(`o${i}`, spec));
      const text = wanted.map((object) => stringify(object, { version: "1.1" })).join("---\n");
      expect(parse(text)).toEqual(wanted);
    }),
  );
});
