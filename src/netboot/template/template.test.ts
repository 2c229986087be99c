import fc from "fast-check";
import { expect, test } from "vitest";
import { textToBytes } from "./byte-text.js";
import { formatFloat } from "./go-float.js";
import { parseTemplate } from "./template.js";
import { StringMap, type Value } from "./values.js";

const data: Value = {
  name: "node1",
  count: 3,
  big: 1_000_000,
  yes: true,
  none: null,
  list: ["a", "b", "c"],
  map: { b: 2, a: 1 },
  deep: { er: { est: "x" } },
  request: { query: new StringMap({ mac: "52:54:00:00:00:01" }) },
};

function render(text: string, limits = {}): string {
  const { template, problem } = parseTemplate(text, "t");
  if (!template) return `${problem.line}:${problem.column}: ${problem.message}`;
  const done = template.execute(data, limits);
  return "text" in done
    ? done.text
    : `${done.problem.file}:${done.problem.line}:${done.problem.column}: ${done.problem.message}`;
}

// What Go prints here was seen from matchbox (test/e2e/netboot-templates compares many more).
test.each([
  ["plain", "plain"],
  ["a {{- /* note */ -}} b", "ab"],
  ["{{.name}} {{.count}} {{.big}} {{.yes}} {{.none}}", "node1 3 1e+06 true <no value>"],
  ["{{.list}} {{.map}} {{.request}}", "[a b c] map[a:1 b:2] map[query:map[mac:52:54:00:00:00:01]]"],
  ["{{if and .yes .none}}1{{else if .list}}2{{else}}3{{end}}", "2"],
  ["{{range $i, $x := .list}}{{$i}}={{$x}};{{else}}none{{end}}", "0=a;1=b;2=c;"],
  ["{{range .list}}{{if eq . `b`}}{{continue}}{{end}}{{.}}{{end}}", "ac"],
  ["{{range 3}}{{.}}{{if eq . 1}}{{break}}{{end}}{{end}}", "01"],
  ["{{with $x := .deep.er}}{{$x.est}}{{end}}", "x"],
  ["{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"],
  ['{{define "t"}}<{{.}}>{{end}}{{template "t" .name}}{{block "u" .count}}[{{.}}]{{end}}', "<node1>[3]"],
  [
    '{{printf "%q %5.2f|%-4s|%x %T %v" .name .count "é" "hi" .map .none}}',
    '"node1"  3.00|é   |6869 map[string]interface {} <nil>',
  ],
  ['{{printf "%d" .count}}', "%!d(float64=3)"],
  ["{{index .list 1}} {{index .map `a`}} {{len .list}} {{slice .name 1 3}}", "b 1 3 od"],
  ["{{eq .name `x` `node1`}} {{lt 1 2}} {{ne .count 3.0}}", "true true false"],
  ["{{`<a>` | html}} {{urlquery `a b/c`}} {{js `'`}}", "&lt;a&gt; a+b%2Fc \\'"],
  ["{{(index .deep `er`).est}}", "x"],
])("%s", (text, expected) => {
  expect(render(text)).toBe(expected);
});

test.each([
  ["a\n {{.absent}}", 't:2:4: the map has no entry for key "absent"'],
  ["{{.deep.absent.x}}", 't:1:3: the map has no entry for key "absent"'],
  ["{{.none.x}}", 't:1:3: nil has no entry for key "x"'],
  ["{{.name.x}}", "t:1:3: cannot take field x of a string"],
  [
    "{{eq .count 3}}",
    "t:1:3: eq: incompatible types for comparison: float64 and int; numbers of JSON are floats: write the constant with a point, as 5.0",
  ],
  ["{{if .yes}}", "1:12: unexpected end of the template: {{end}} is missing"],
  ["x\n{{nope .}}", '2:3: function "nope" is not defined'],
  ["{{$x}}", '1:3: undefined variable "$x"'],
  ["{{range .count}}{{end}}", "t:1:3: range cannot go over a float64: numbers of JSON are floats"],
  ["{{call .name}}", "t:1:3: call: a string is no function: there are none in data"],
  ["{{.constructor}}", 't:1:3: the map has no entry for key "constructor"'],
  ["{{`a` | .name}}", "t:1:9: arguments are given to what is no function: .name"],
])("%s is refused: %s", (text, expected) => {
  expect(render(text)).toBe(expected);
});

const times = (count: number, text: string) => text.repeat(count);

test.each([
  ["includes itself", '{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', /deeper than 500/],
  ["loops for long", "{{range 100000000}}{{end}}", /more than 1000000 steps/],
  [
    "doubles a text",
    '{{$x := "aaaaaaaa"}}{{range 64}}{{$x = print $x $x}}{{end}}',
    /more than 1000000 steps/,
  ],
  ["prints wide fields", '{{range 100000}}{{printf "%1000000d" 1}}{{end}}', /larger than 4194304 bytes/],
  ["makes wide fields", '{{range 100000}}{{$x := printf "%1000000d" 1}}{{end}}', /1000000 steps/],
  [
    "writes much",
    "{{range 300}}{{range 300}}{{times}}{{end}}{{end}}".replace("{{times}}", times(50, "x")),
    /larger than/,
  ],
  ["nests branches", times(300, "{{if true}}") + times(300, "{{end}}"), /nested deeper than 200/],
  ["nests parentheses", `{{${times(300, "(")}1${times(300, ")")}}}`, /nested deeper than 200/],
  ["chains branches", `{{if false}}${times(2000, "{{else if false}}")}{{end}}`, /more than 1000 .* in a row/],
])("a bomb that %s does not go off", (_, text, expected) => {
  expect(render(text)).toMatch(expected);
});

test("a long chain of branches is no bomb", () => {
  expect(render(`{{if false}}${times(900, "{{else if false}}")}{{else if true}}last{{end}}`)).toBe("last");
});

test("the deepest that the parser lets pass does not overflow the stack", () => {
  const parentheses = `{{define "x"}}{{if ${times(190, "(")}true${times(190, ")")}}}{{template "x"}}{{end}}{{end}}`;
  expect(render(`${parentheses}{{template "x"}}`)).toMatch(/deeper than 500/);
  const nested = `{{define "x"}}${times(150, "{{if true}}")}{{template "x"}}${times(150, "{{end}}")}{{end}}`;
  expect(render(`${nested}{{template "x"}}`)).toMatch(/deeper than 500/);
});

test("bytes that are no character survive", () => {
  const done = parseTemplate(
    "{{slice `é` 0 1}}{{slice `é` 1}}{{printf `%q` (slice `é` 1)}}",
    "t",
  ).template!.execute({});
  expect(textToBytes((done as { text: string }).text).toString()).toBe('é"\\xa9"');
});

test("shortest floats give the number back", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      for (const format of ["e", "f", "g"] as const) {
        expect(Object.is(Number(formatFloat(value, format, -1)), value)).toBe(true);
      }
      expect(Number(formatFloat(value, "e", 17))).toBe(value);
    }),
  );
});

test("no text breaks the parser or the executor", () => {
  const part = fc.constantFrom(
    ..."{{ }} {{- -}} if else end range with define block template break . $ $x := = | ( ) .list .map .name nil true 1 2.5 'a' `s` \"q\" print printf index slice len eq and not \n /* */ , x".split(
      " ",
    ),
    " ",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      expect(typeof render(parts.join(""), { steps: 5000 })).toBe("string");
    }),
    { numRuns: 3000 },
  );
});
