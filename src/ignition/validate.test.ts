import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invalidConfigs, validConfigs } from "./fixtures/configs.js";
import { jsonErrorOffset } from "./json-offset.js";
import { ignitionError, parseIgnition } from "./parse.js";
import { validateIgnition } from "./validate.js";

const messages = (document: unknown, severity: "error" | "warning") =>
  validateIgnition(document)
    .problems.filter((problem) => problem.severity === severity)
    .map(({ path, message }) => `${path.join(".")}: ${message}`);

test.each(Object.entries(invalidConfigs))("refuses %s", (_, { config, path }) => {
  const { config: accepted, problems } = validateIgnition(config);
  expect(accepted).toBeUndefined();
  expect(
    problems.filter(({ severity }) => severity === "error").map((problem) => problem.path.join(".")),
  ).toContain(path);
});

test.each(Object.entries(validConfigs))("accepts %s", (_, config) => {
  expect(messages(config, "error")).toEqual([]);
  expect(validateIgnition(config).config).toBeDefined();
});

describe("warnings", () => {
  test("an unknown key is named, and dropped", () => {
    const document = {
      ignition: { version: "3.4.0" },
      storage: { files: [{ path: "/a", contnets: {} }] },
      extra: 1,
    };
    expect(messages(document, "warning").sort()).toEqual([
      'extra: unknown key "extra": it is ignored',
      'storage.files.0.contnets: unknown key "contnets": it is ignored',
    ]);
    expect(validateIgnition(document).config).toEqual({
      ignition: { version: "3.4.0" },
      storage: { files: [{ path: "/a" }] },
    });
  });

  test("a key of a later spec is unknown to an earlier one", () => {
    const at = (version: string) =>
      messages({ ignition: { version }, kernelArguments: { shouldExist: ["a"] } }, "warning");
    expect(at("3.2.0")).toHaveLength(1);
    expect(at("3.3.0")).toEqual([]);
  });

  test.each([
    [{ storage: { files: [{ path: "/a", mode: 0o4755 }] } }, /setuid/],
    [{ systemd: { units: [{ name: "a.service", enabled: true, contents: "[Unit]\n" }] } }, /no \[Install\]/],
    [{ storage: { links: [{ path: "/a", target: "/b", hard: true, user: { id: 1 } }] } }, /owner/],
    [{ ignition: { version: "3.4.0", proxy: { httpsProxy: "http://proxy" } } }, /without encryption/],
  ])("%j", (parts, message) => {
    const [found] = messages({ ignition: { version: "3.4.0" }, ...parts }, "warning");
    expect(found).toMatch(message);
  });
});

test("nulls are nothing", () => {
  const document = {
    ignition: { version: "3.4.0", config: null },
    storage: { files: [{ path: "/a", mode: null }] },
  };
  expect(validateIgnition(document).config).toEqual({
    ignition: { version: "3.4.0" },
    storage: { files: [{ path: "/a" }] },
  });
});

test("problems are found in the file", () => {
  const text = `{
  "ignition": { "version": "3.4.0" },
  "storage": {
    "files": [
      { "path": "/etc/ok" },
      { "path": "etc/relative", "mode": "0644" }
    ]
  }
}`;
  const { config, problems } = parseIgnition(text, "node.ign");
  expect(config).toBeUndefined();
  expect(problems).toMatchObject([{ file: "node.ign", line: 6, column: 41, message: "must be an integer" }]);
  const error = ignitionError(problems, "node.ign");
  expect(error).toMatchObject({
    code: "NODE_CONFIG_INVALID",
    details: { "node.ign:6:41": "storage.files[1].mode: must be an integer" },
  });
});

test.each([
  ["", 1, 1],
  ['{\n  "ignition": }', 2, 15],
  ['{"ignition": {"version": "3.4.0"}', 1, 34],
])("text that is not JSON has a place: %j", (text, line, column) => {
  expect(parseIgnition(text, "f").problems).toMatchObject([{ line, column, severity: "error" }]);
});

test("what is nested too deeply is an error", () => {
  const deep = (levels: number) =>
    `{"ignition": {"version": "3.4.0"}, "a": ${"[".repeat(levels)}${"]".repeat(levels)}}`;
  expect(parseIgnition(deep(100_000), "f").problems).toMatchObject([{ message: "nested too deeply" }]);
  expect(parseIgnition("[".repeat(100_000), "f").problems).toMatchObject([{ severity: "error" }]);
});

test("the place where JSON ends is found in every broken text", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom("", "}", "\u0001", "'"), (json, seed, garbage) => {
      const at = seed % (json.length + 1);
      const text = json.slice(0, at) + garbage + json.slice(at + 1);
      const offset = jsonErrorOffset(text);
      let broken = false;
      try {
        JSON.parse(text);
      } catch {
        broken = true;
      }
      if (broken) expect(offset).toBeLessThanOrEqual(text.length);
      else expect(offset).toBe(text.length);
    }),
  );
});

test("whatever JSON it is given, it answers", () => {
  const keys = fc.constantFrom(
    "ignition",
    "storage",
    "files",
    "path",
    "mode",
    "systemd",
    "units",
    "name",
    "passwd",
    "users",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.dictionary(keys, tie("tree")), fc.array(tie("tree"))),
  }));
  fc.assert(
    fc.property(fc.dictionary(keys, tree), (document) => {
      const { problems, config } = validateIgnition({ ...document, ignition: { version: "3.4.0" } });
      expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
    }),
  );
});
