import { allAtOnce, each, type Slices } from "../../base/slices.js";
import type { Decide } from "../decision.js";
import type { Group, Labels } from "./types.js";

/**
 * Which group a machine belongs to, as matchbox decides it: every pair of a group's selector must be a label of the
 * machine, exactly; of the groups that match, the one with the most pairs wins; of these, the one whose sorted
 * `k=v,k=v` is the greatest. A pair with an empty value also matches a label that is absent.
 *
 * One bucket for each set of selector keys, each a map from the values of these keys to groups: a look-up costs a map
 * look-up for each different set of keys, however many groups there are.
 */
export interface GroupIndex {
  buckets: readonly Bucket[];
}

interface Bucket {
  /** Sorted. */
  keys: readonly string[];
  /** By the values of the keys. The winner of the same selector first, those that it shadows after it. */
  groups: ReadonlyMap<string, readonly Group[]>;
}

/** A selector as text, the order of ties: `arch=x86_64,mac=52:54:00:00:00:01`. */
export const selectorText = (selector: Labels): string =>
  Object.keys(selector)
    .sort()
    .map((key) => `${key}=${selector[key]}`)
    .join(",");

export const indexGroups = (groups: readonly Group[]): GroupIndex => allAtOnce(indexGroupsInSlices(groups));

/** `indexGroups`, with pauses. */
export function* indexGroupsInSlices(groups: readonly Group[]): Slices<GroupIndex> {
  const buckets = new Map<string, { keys: string[]; groups: Map<string, Group[]> }>();
  yield* each(groups, (group) => {
    const keys = Object.keys(group.selector).sort();
    const name = joined(keys);
    const bucket = buckets.get(name) ?? { keys, groups: new Map<string, Group[]>() };
    buckets.set(name, bucket);
    const values = joined(keys.map((key) => group.selector[key]!));
    const same = bucket.groups.get(values) ?? [];
    bucket.groups.set(values, same);
    same.push(group);
    // Matchbox leaves it open which of two equal selectors wins; here the first id does, always.
    same.sort((a, b) => (a.id < b.id ? -1 : 1));
  });
  return { buckets: [...buckets.values()].sort((a, b) => b.keys.length - a.keys.length) };
}

/** The winner; undefined when no group matches. Tells why by `decide`. */
export function selectGroup(index: GroupIndex, labels: Labels, decide?: Decide): Group | undefined {
  const matching: Group[] = [];
  let winner: Group | undefined;
  for (const bucket of index.buckets) {
    if (winner && !decide && bucket.keys.length < Object.keys(winner.selector).length) break;
    const found = bucket.groups.get(joined(bucket.keys.map((key) => labels[key] ?? "")));
    if (!found) continue;
    matching.push(...found);
    if (!winner || precedes(found[0]!, winner)) winner = found[0];
  }
  if (decide) explain(index, labels, matching, winner, decide);
  return winner;
}

/** Lengths are part of it, so that no value can pass for two. */
const joined = (parts: readonly string[]): string => parts.map((part) => `${part.length}:${part}`).join("");

function precedes(one: Group, other: Group): boolean {
  const [pairs, otherPairs] = [Object.keys(one.selector).length, Object.keys(other.selector).length];
  if (pairs !== otherPairs) return pairs > otherPairs;
  return selectorText(one.selector) > selectorText(other.selector);
}

/** How many groups that do not match are told of: those that miss the least. */
const nearMisses = 5;

function explain(
  index: GroupIndex,
  labels: Labels,
  matching: readonly Group[],
  winner: Group | undefined,
  decide: Decide,
): void {
  const lost = matching
    .filter((group) => group !== winner)
    .sort((a, b) => (precedes(a, b) ? -1 : precedes(b, a) ? 1 : 0))
    .map((group) => ({ candidate: group.id, because: whyLost(group, winner!) }));
  const missed = [...index.buckets.values()]
    .flatMap(({ groups }) => [...groups.values()].flat())
    .filter((group) => !matching.includes(group))
    .map((group) => ({
      group,
      differing: Object.keys(group.selector).filter((key) => (labels[key] ?? "") !== group.selector[key]),
    }))
    .sort((a, b) => a.differing.length - b.differing.length || (a.group.id < b.group.id ? -1 : 1))
    .slice(0, nearMisses)
    .map(({ group, differing }) => ({
      candidate: group.id,
      because: differing
        .map((key) => `${key} is ${labels[key] ?? "not said"}, not ${group.selector[key]}`)
        .join("; "),
    }));
  decide({
    about: "group",
    chosen: winner?.id,
    because: winner
      ? Object.keys(winner.selector).length > 0
        ? `all of its selector matches: ${selectorText(winner.selector)}`
        : "it has no selector, so it takes what no other group does"
      : "no group's selector matches, and none is without a selector",
    others: [...lost, ...missed],
  });
}

function whyLost(group: Group, winner: Group): string {
  const [pairs, winning] = [Object.keys(group.selector).length, Object.keys(winner.selector).length];
  if (pairs < winning) return `matches by ${pairs} labels, ${winner.id} by ${winning}`;
  const [own, best] = [selectorText(group.selector), selectorText(winner.selector)];
  return own === best
    ? `same selector as ${winner.id}, whose id comes first`
    : `as many labels as ${winner.id}, but "${own}" sorts before "${best}"`;
}
