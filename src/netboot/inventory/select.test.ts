import fc from "fast-check";
import { expect, test } from "vitest";
import type { Decision } from "../decision.js";
import { indexGroups, selectGroup, selectorText } from "./select.js";
import type { Group, Labels } from "./types.js";

const group = (id: string, selector: Labels): Group => ({
  id,
  profile: "p",
  selector,
  metadata: {},
  place: { file: `groups/${id}.json` },
});

/** The rule as it is written, without an index. */
function bySearch(groups: Group[], labels: Labels): Group | undefined {
  const matches = groups.filter(({ selector }) =>
    Object.entries(selector).every(([key, value]) => (labels[key] ?? "") === value),
  );
  return matches.sort(
    (a, b) =>
      Object.keys(b.selector).length - Object.keys(a.selector).length ||
      compare(selectorText(b.selector), selectorText(a.selector)) ||
      compare(a.id, b.id),
  )[0];
}
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const word = fc.constantFrom("", "a", "b", "1", "1:a", "x,y=z");
const selector = fc.dictionary(fc.constantFrom("mac", "arch", "os", "region"), word, { maxKeys: 4 });

test("the index finds what a search through all groups finds", () => {
  fc.assert(
    fc.property(fc.array(selector, { maxLength: 12 }), selector, (selectors, labels) => {
      const groups = selectors.map((each, i) => group(`g${i}`, each));
      const index = indexGroups(groups);
      expect(selectGroup(index, labels)?.id).toBe(bySearch(groups, labels)?.id);
      expect(selectGroup(index, labels, () => {})?.id).toBe(bySearch(groups, labels)?.id);
    }),
    { numRuns: 2000 },
  );
});

test("a selection says why this group won and the others did not", () => {
  const index = indexGroups([
    group("default", {}),
    group("arm", { arch: "arm64" }),
    group("b", { arch: "amd64" }),
    group("a", { region: "eu" }),
    group("twin", { region: "eu" }),
  ]);
  const decisions: Decision[] = [];
  selectGroup(index, { arch: "amd64", region: "eu" }, (decision) => decisions.push(decision));
  expect(decisions).toEqual([
    {
      about: "group",
      chosen: "a",
      because: "all of its selector matches: region=eu",
      others: [
        { candidate: "twin", because: "same selector as a, whose id comes first" },
        { candidate: "b", because: 'as many labels as a, but "arch=amd64" sorts before "region=eu"' },
        { candidate: "default", because: "matches by 0 labels, a by 1" },
        { candidate: "arm", because: "arch is amd64, not arm64" },
      ],
    },
  ]);
});

test("when nothing matches, the nearest groups say what they wanted", () => {
  const decisions: Decision[] = [];
  const index = indexGroups([group("one", { mac: "52:54:00:00:00:01" })]);
  expect(selectGroup(index, {}, (decision) => decisions.push(decision))).toBeUndefined();
  expect(decisions[0]).toMatchObject({
    chosen: undefined,
    others: [{ candidate: "one", because: "mac is not said, not 52:54:00:00:00:01" }],
  });
});
