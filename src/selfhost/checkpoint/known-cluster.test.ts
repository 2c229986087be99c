import { expect, test } from "vitest";
import { isKnownCluster } from "./known-cluster.js";

test.each([
  ["nothing is known yet", { known: undefined, uid: "a", ownPodRuns: false }, true],
  ["the same", { known: "a", uid: "a", ownPodRuns: false }, true],
  ["etcd began anew", { known: "a", uid: "b", ownPodRuns: false }, false],
  [
    "etcd began anew, and nobody has made the namespace",
    { known: "a", uid: undefined, ownPodRuns: false },
    false,
  ],
  [
    "the same, of an API server that still lists what is gone",
    { known: "a", uid: undefined, ownPodRuns: true },
    false,
  ],
  [
    "nothing is known, and there is no namespace",
    { known: undefined, uid: undefined, ownPodRuns: false },
    false,
  ],
  [
    "another one has taken this node over: it was recovered from checkpoints",
    { known: "a", uid: "b", ownPodRuns: true },
    true,
  ],
])("%s", (_, seen, isKnown) => {
  expect(isKnownCluster(seen)).toBe(isKnown);
});
