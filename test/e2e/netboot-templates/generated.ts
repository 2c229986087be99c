import fc from "fast-check";
import type { JsonValue } from "../../../src/netboot/inventory/types.js";

/** Text that JSON, files and templates carry unchanged. */
const text = fc
  .string({ unit: fc.constantFrom(..."ab {}%\"'<&\\\n\téß☃𝄞\u0000\u00a0-".split(""), "𝄞"), maxLength: 6 })
  .map((each) => each.replace(/\p{Surrogate}/gu, ""));

const number = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e6, 1e21, 1e-7, 0.5, 999999.5, 2 ** 63),
);

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "é"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** `{{.a}}` to `{{.e}}` are there, `.f` is not. */
export const metadata: fc.Arbitrary<Record<string, JsonValue>> = fc.record({
  a: json,
  b: number,
  c: text,
  d: fc.array(json, { maxLength: 4 }),
  e: fc.dictionary(fc.constantFrom("a", "b", "c d", "é"), json, { maxKeys: 4 }),
});

const verb = fc
  .tuple(
    fc.subarray(["#", "0", "+", "-", " "]),
    fc.constantFrom("", "", "1", "7", "12"),
    fc.constantFrom("", "", ".", ".0", ".2", ".5", ".20"),
    fc.constantFrom(..."vvvsdtqxXfgeEGcUboOTFz"),
  )
  .map((parts) => `%${parts.flat().join("")}`);

const goString = fc.oneof(
  text.map((each) => JSON.stringify(each).replace(/\\u0000/g, "\\x00")),
  fc.constantFrom('"\\xff"', "`raw`", '""', '"a"'),
);

const { nodes } = fc.letrec<{ expression: string; call: string; node: string; nodes: string }>((tie) => {
  const e = tie("expression");
  const argument = fc.oneof(
    fc.constantFrom(
      ".",
      "$",
      ".a",
      ".b",
      ".c",
      ".d",
      ".e",
      "$.a",
      "$.c",
      ".e.a",
      ".f",
      "$x",
      "$i",
      "true",
      "nil",
    ),
    fc.constantFrom("0", "1", "2", "-3", "2.5", "1e3", "0x1f", "'a'"),
    goString,
    e.map((each) => `(${each})`),
  );
  return {
    expression: fc.oneof(
      { depthSize: "small" },
      argument,
      tie("call"),
      fc.tuple(argument, tie("call")).map(([a, b]) => `${a} | ${b}`),
    ),
    call: fc.oneof(
      fc
        .tuple(
          fc.constantFrom(
            "print",
            "println",
            "html",
            "js",
            "urlquery",
            "and",
            "or",
            "not",
            "len",
            "index",
            "slice",
          ),
          fc.array(argument, { maxLength: 3 }),
        )
        .map(([name, args]) => [name, ...args].join(" ")),
      fc
        .tuple(fc.constantFrom("eq", "ne", "lt", "le", "gt", "ge"), argument, argument)
        .map((parts) => parts.join(" ")),
      fc
        .tuple(
          fc.array(fc.oneof(verb, fc.constantFrom(" ", "x", "%%")), { maxLength: 3 }),
          fc.array(argument, { maxLength: 3 }),
        )
        .map(([format, args]) => ["printf", JSON.stringify(format.join("")), ...args].join(" ")),
    ),
    node: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("text ", "\n", "{{- /* c */ -}}", " "),
      e.map((each) => `{{${each}}}`),
      e.map((each) => `{{- ${each} -}}`),
      e.map((each) => `{{$x := ${each}}}`),
      e.map((each) => `{{$x = ${each}}}`),
      fc.tuple(e, tie("nodes"), tie("nodes")).map(([c, a, b]) => `{{if ${c}}}${a}{{else}}${b}{{end}}`),
      fc.tuple(e, tie("nodes")).map(([c, a]) => `{{with ${c}}}${a}{{end}}`),
      fc.tuple(e, tie("nodes")).map(([c, a]) => `{{range $i, $x := ${c}}}${a}{{else}}-{{end}}`),
      fc
        .tuple(
          fc.constantFrom(".d", "$.d", ".e", "$.e", "3", ".a"),
          tie("nodes"),
          fc.constantFrom("", "{{break}}", "{{continue}}"),
        )
        .map(([over, a, leave]) => `{{range ${over}}}${a}{{if eq . 1.0}}${leave}{{end}}{{end}}`),
      e.map((each) => `{{template "t" ${each}}}`),
    ),
    nodes: fc.array(tie("node"), { maxLength: 3 }).map((each) => each.join("")),
  };
});

/** Templates that are well-formed mostly; whether they run depends on the data. */
export const template: fc.Arbitrary<string> = fc
  .tuple(nodes, nodes)
  .map(
    ([main, named]) =>
      `{{$x := 1}}{{$i := 0}}${main}{{define "t"}}{{$x := .}}{{$i := 0}}${named.replaceAll('{{template "t"', "{{print")}{{end}}`,
  );

/** Across all exponents, and many that lie half-way between two roundings. */
export const numberOfAnySize = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc
    .tuple(fc.integer({ min: -99999, max: 99999 }), fc.integer({ min: 0, max: 12 }))
    .map(([n, half]) => n / 2 ** half),
  fc
    .tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: -30, max: 30 }))
    .map(([n, ten]) => n * 10 ** ten),
);

export const verbs =
  "v g G e E f F b x X d s q t c U T .0f .1f .2f .5f .20f .60f .0e .1e .17e .30e .0g .1g .3g .17g .40g .0x .1x .5x .20x 12.3f -12.3f| 012.3f +.2e #g #.0f #e #.3g #x #v +v 08.2f".split(
    " ",
  );

/** Pieces of the language in any order: what one parser takes the other must take. */
export const tokenSoup = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom("{{", "}}", "{{- ", " -}}", " ", "{{end}}", "{{else}}", "{{.a}}"),
      },
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          ..."if else end range with define block template break continue . $ $x $y := = | ( ) .a .b .e.a nil true 1 2.5 -1 +1 0x 1_0 'a' '\\'' `s` \"q\" \"t\" print printf index len eq and not \n /* */ , : x ☃ é - ! # \t \r ' ` \" \\ }} {{".split(
            " ",
          ),
        ),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          "{{if .a}}",
          "{{with .b}}",
          "{{range .d}}",
          "{{range $i, $x := .d}}",
          '{{define "t"}}',
          '{{template "t" .}}',
          '{{block "u" .c}}',
          "{{$x := .b}}",
          "{{else if .c}}",
          "{{else with .c}}",
          "{{break}}",
          "{{/* c */}}",
          "{{- /* c */ -}}",
        ),
      },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(""));
