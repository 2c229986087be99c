import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document, isScalar, parse, visit } from "yaml";
import { KubeconfigDocument, type ListName, lists } from "./kubeconfig-document.js";

const profile = "demo";
const listNames = Object.keys(lists) as ListName[];

/** Text as people and tools have it in such files: words, numbers that must not change, YAML's own signs. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    "on",
    "007",
    "1_000",
    "0x1f",
    "1e3",
    "~",
    "null",
    "- a",
    "a: b",
    "#x",
    "12:30",
    " x ",
    "é\u2028ü",
  ),
);
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
})).value;

const name = text.filter((candidate) => candidate !== profile);
const entries = (list: ListName) =>
  fc.uniqueArray(
    fc.record({ name, [lists[list]]: fc.dictionary(text, value, { maxKeys: 4 }) }).map((entry) => entry),
    { selector: (entry) => entry.name, maxLength: 4 },
  );

const foreignConfig = fc.record(
  {
    apiVersion: fc.constant("v1"),
    kind: fc.constant("Config"),
    preferences: value,
    clusters: fc.option(entries("clusters")),
    users: fc.option(entries("users")),
    contexts: fc.option(entries("contexts")),
    "current-context": name,
    "x-unknown": value,
  },
  { requiredKeys: [] },
);

interface Layout {
  indentSeq: boolean;
  indent: number;
  comments: boolean;
  flow: boolean;
  asJson: boolean;
}
const layout: fc.Arbitrary<Layout> = fc.record({
  indentSeq: fc.boolean(),
  indent: fc.constantFrom(2, 4),
  comments: fc.boolean(),
  flow: fc.boolean(),
  asJson: fc.boolean(),
});

/** A file as somebody wrote it, with a comment above or behind many things. */
function write(config: object, { indentSeq, indent, comments, flow, asJson }: Layout): string {
  if (asJson) return JSON.stringify(config, null, indent);
  const document = new Document(config);
  let count = 0;
  visit(document, {
    Map: (_key, map, path) => {
      if (flow && path.length > 5) map.flow = true;
      else if (comments) map.commentBefore = ` above ${count++}`;
    },
    Scalar: (key, scalar, path) => {
      if (
        comments &&
        key === "value" &&
        path.length < 8 &&
        isScalar(scalar) &&
        !String(scalar.value).includes("\n")
      )
        scalar.comment = ` behind ${count++}`;
    },
  });
  return document.toString({ indentSeq, indent, lineWidth: 0 });
}

const edit = (source: string, change: (document: KubeconfigDocument) => void): string => {
  const document = KubeconfigDocument.parse("config", source);
  change(document);
  return document.toText(profile);
};
const merge = (source: string) =>
  edit(source, (document) => {
    for (const list of listNames)
      document.put(list, profile, { server: "https://127.0.0.1:6443" }, { profile });
    document.setCurrentContext(profile);
  });
const remove = (source: string) =>
  edit(source, (document) => {
    for (const list of listNames) document.remove(list, profile);
    document.setCurrentContext("");
  });

const commentsOf = (source: string) => (source.match(/# (above|behind) \d+/g) ?? []).sort();

describe("whatever else is in the file", () => {
  test("a merge adds our entries and changes nothing else; a removal takes only them away", () => {
    fc.assert(
      fc.property(foreignConfig, layout, (config, how) => {
        const source = write(config, how);
        const before = parse(source) ?? {};
        const merged = merge(source);
        const after = parse(merged);
        for (const [key, old] of Object.entries(before)) {
          if (key === "current-context") continue;
          if (!listNames.includes(key as ListName)) expect(after[key]).toEqual(old);
          else expect(after[key].slice(0, -1)).toEqual(old ?? []);
        }
        for (const list of listNames) {
          expect(after[list].at(-1)).toEqual({
            name: profile,
            [lists[list]]: {
              server: "https://127.0.0.1:6443",
              extensions: [{ name: "slipway.dev", extension: { profile } }],
            },
          });
        }
        expect(after["current-context"]).toBe(profile);
        expect(commentsOf(merged)).toEqual(commentsOf(source));
        expect(merge(merged), "again").toBe(merged);

        const removed = remove(merged);
        for (const [key, old] of Object.entries(before)) {
          if (key === "current-context") continue;
          // An empty list and none are the same to kubectl.
          const left = parse(removed)[key];
          if (listNames.includes(key as ListName)) expect(left ?? []).toEqual(old ?? []);
          else expect(left).toEqual(old);
        }
        expect(commentsOf(removed)).toEqual(commentsOf(source));
      }),
      { numRuns: 100 },
    );
  });

  test("numbers keep the form they were written in", () => {
    const source = "a: 007\nb: 1_000\nc: 0x1F\nd: 1.10\ne: 0o17\nf: +5\ng: 1e+3\nh: True\ni: ~\nj:\n";
    expect(merge(source).startsWith(source)).toBe(true);
  });

  test("a torn file is refused or read, and never throws anything else", () => {
    fc.assert(
      fc.property(foreignConfig, layout, fc.double({ min: 0, max: 1, noNaN: true }), (config, how, at) => {
        const source = write(config, how);
        const torn = source.slice(0, Math.floor(source.length * at));
        try {
          merge(torn);
        } catch (error) {
          expect(error).toMatchObject({ code: "KUBECONFIG_INVALID" });
          expect((error as Error).message).toMatch(/^config(:\d+:\d+)?: /);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("an anchor of ours that others use is not torn away", () => {
  const source = `clusters:\n- name: demo\n  cluster: &c {server: a}\n- name: other\n  cluster: *c\n`;
  expect(() => remove(source)).toThrow(/config:1:1: its entries cannot be edited/);
});

test("a comment above our entry stays when the entry goes", () => {
  const source = "users:\n- name: a\n# about what follows\n- name: demo\n- name: b\n";
  expect(remove(source)).toContain("- name: a\n# about what follows\n- name: b\n");
});

test("aliases stay aliases", () => {
  const source = "users:\n- name: a\n  user: &u\n    token: x\n- name: b\n  user: *u\n";
  expect(merge(source)).toContain("user: *u\n");
});
