import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { isSlipwayError } from "../base/errors.js";
import { problemsOf } from "./problems.js";
import { readYaml } from "./yaml.js";

const kind = { name: "a file", maxBytes: 64 * 1024 * 1024, textFields: [] };
const read = (text: string) => readYaml(text, "file.yaml", kind);
const wrong = (text: string): string[] => {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!isSlipwayError(error, "CONFIG_INVALID")) throw error;
    return problemsOf(error).map(({ where, message }) => `${where} ${message}`);
  }
};

/** The items of a list, from 0; long enough to be read piece by piece. */
const count = 3000;
const items = Array.from({ length: count }, (_, i) => i);
const lineOf = (text: string, offset: number) => text.slice(0, offset).split("\n").length;

describe("a long list", () => {
  const forms = {
    block: `kind: Lab\nmachines:\n${items.map((i) => `  - name: m${i}\n    labels: {a: "x\n      y"}\n    note: |\n      - not an item\n`).join("")}after: 1\n`,
    "without indentation": `machines:\n${items.map((i) => `- name: m${i} # - here\n\n`).join("")}after: 1\n`,
    "of texts": `machines:\n${items.map((i) => `  - m${i}\n`).join("")}`,
    json: JSON.stringify({ kind: "Lab", machines: items.map((i) => ({ name: `m${i}`, mac: [i] })) }),
    "json, by people": JSON.stringify({ machines: items.map((i) => ({ name: `m${i}` })), after: 1 }, null, 2),
    "of several": `a:\n${items.map((i) => `  - ${i}\n`).join("")}b:\n${items.map((i) => `  - {c: ${i}}\n`).join("")}`,
    "with an anchor in it": `machines:\n${items.map((i) => `  - name: ${i === 1500 ? "&x m1500" : i === 2500 ? "*x" : `m${i}`}\n`).join("")}`,
  };

  test.each(Object.entries(forms))("%s: is what it says", (_, text) => {
    expect(read(text).value).toEqual(parse(text));
  });

  test.each(["block", "without indentation", "json", "json, by people"] as const)(
    "%s: each field has its place",
    (name) => {
      const text = forms[name];
      const { locate } = read(text);
      for (const i of [0, 1, 1499, count - 1]) {
        const needle = name.startsWith("json") ? `"m${i}"` : `m${i}\n`;
        const line = lineOf(text, text.indexOf(name === "without indentation" ? `m${i} ` : needle));
        const at = locate(["machines", i, "name"]);
        expect(at).toMatch(new RegExp(`^file.yaml:${line}:`));
        const column = Number(at!.split(":")[2]);
        const offset =
          text
            .split("\n")
            .slice(0, line - 1)
            .join("\n").length +
          (line > 1 ? 1 : 0) +
          column -
          1;
        expect(text.slice(offset)).toMatch(/^"?name/);
      }
    },
  );

  test("what is wrong in it is told with its place", () => {
    const lines = forms.block.split("\n");
    const broken = (at: number, line: string) => wrong(lines.with(at, line).join("\n"));
    expect(broken(2, "  - name: [m0")[0]).toMatch(/^file\.yaml:\d+:\d+ /);
    expect(broken(6002, "    name: again\n    name: twice")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^file\.yaml:600\d:5 Map keys must be unique$/)]),
    );
    expect(wrong(`${forms["of texts"]}  - __proto__: 1\n`)).toEqual([
      `file.yaml:${count + 2}:5 __proto__ cannot be a key`,
    ]);
    expect(wrong(`${forms["of texts"]}machines: []\n`)).toEqual([
      `file.yaml:${count + 2}:1 Map keys must be unique`,
    ]);
    expect(wrong(forms["json, by people"].replace('"m5"\n    },', '"m5"\n    }'))).not.toEqual([]);
  });

  test("whatever stands in it, it is what the parser makes of the whole", () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 12 }),
        fc.nat(4),
        fc.boolean(),
        (some, indent, json) => {
          const list = items.slice(0, 700).map((i) => some[i % some.length]);
          const whole = { first: 1, list, last: some };
          const text = json
            ? JSON.stringify(whole, null, indent)
            : stringify(whole, { aliasDuplicateObjects: false, indent: indent + 1 });
          const plain = JSON.parse(JSON.stringify(whole)) as object;
          if (text.includes("__proto__")) return;
          expect(read(text).value).toEqual(plain);
        },
      ),
      { numRuns: 20 },
    );
  });
});
