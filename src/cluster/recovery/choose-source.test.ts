import { expect, test } from "vitest";
import { chooseSource, type WhatIsLeft } from "./choose-source.js";

const nothing: WhatIsLeft = {
  cluster: "demo",
  machines: ["demo"],
  api: false,
  etcd: "none",
  snapshot: false,
  checkpoints: [],
};
const choose = (left: Partial<WhatIsLeft>) => chooseSource({ ...nothing, ...left });

test.each<[Partial<WhatIsLeft>, string]>([
  [{ api: true, etcd: "holds", snapshot: true, checkpoints: ["demo"] }, "api"],
  [{ etcd: "holds", snapshot: true, checkpoints: ["demo"] }, "etcd"],
  [{ etcd: "silent", snapshot: true, checkpoints: ["demo"] }, "snapshot"],
  // A member that lost its data begins anew; what copies of an API server serve of it is not the cluster.
  [{ etcd: "empty", snapshot: true, checkpoints: ["demo"] }, "snapshot"],
  [{ machines: [], snapshot: true }, "snapshot"],
  [{ etcd: "empty", checkpoints: ["demo"] }, "checkpoints"],
  [{ etcd: "none", checkpoints: ["demo"] }, "checkpoints"],
])("%j is recovered from %s", (left, source) => {
  expect(choose(left)).toBe(source);
});

test("data that do not answer are not thrown away for checkpoints", () => {
  expect(() => choose({ etcd: "silent", checkpoints: ["demo"] })).toThrow("etcd does not answer");
});

test("with nothing left it says so", () => {
  expect(() => choose({})).toThrow("no snapshot and no checkpoint is left");
  expect(() => choose({ machines: [] })).toThrow("no machine and no snapshot is left");
});
