import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { corpus, metadata, query } from "./corpus.js";
import { metadata as generatedMetadata, numberOfAnySize, template, tokenSoup, verbs } from "./generated.js";
import { ours } from "./ours.js";
import { firstBuildMs, RealMatchbox } from "./real-matchbox.js";

let matchbox: RealMatchbox;

beforeAll(async () => {
  matchbox = await RealMatchbox.start();
  await matchbox.write({
    "groups/all.json": JSON.stringify({ id: "all", profile: "p", metadata }),
    "profiles/p.json": JSON.stringify({ id: "p", generic_id: "template" }),
  });
}, firstBuildMs);

afterAll(async () => {
  await matchbox?.[Symbol.asyncDispose]();
});

async function theirs(template: string): Promise<string> {
  await matchbox.write({ "generic/template": template });
  const { status, body } = await matchbox.get(`/generic?${query}`);
  // Latin-1, so that bytes which are no text stay apart.
  return status === 200 ? body.toString("latin1") : "refused";
}

for (const [about, templates] of Object.entries(corpus)) {
  describe(about, () => {
    test.each(templates.map((template) => [JSON.stringify(template), template] as const))(
      "%s",
      async (_, template) => {
        expect(ours(template, metadata, query)).toBe(await theirs(template));
      },
    );
  });
}

test.each([
  ["well-formed templates", template],
  ["pieces in any order", tokenSoup],
])("generated: %s", async (_, texts) => {
  await fc.assert(
    fc.asyncProperty(texts, generatedMetadata, async (text, values) => {
      await matchbox.write({
        "groups/all.json": JSON.stringify({ id: "all", profile: "p", metadata: values }),
      });
      expect(ours(text, values, query)).toBe(await theirs(text));
    }),
    { numRuns: 1500 },
  );
});

test("generated: numbers, by every verb", async () => {
  const text = `{{range $n := .numbers}}${verbs.map((verb) => `{{printf "%${verb}|" $n}}`).join("")}\n{{end}}`;
  await fc.assert(
    fc.asyncProperty(fc.array(numberOfAnySize, { minLength: 20, maxLength: 20 }), async (numbers) => {
      await matchbox.write({
        "groups/all.json": JSON.stringify({ id: "all", profile: "p", metadata: { numbers } }),
      });
      expect(ours(text, { numbers }, query)).toBe(await theirs(text));
    }),
    { numRuns: 200 },
  );
});
