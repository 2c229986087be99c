import { rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { selectGroup } from "./select.js";
import { head, TestLab, worker } from "./testing.js";
import { LiveInventory, type OnLoad } from "./watch.js";

type Load = Parameters<OnLoad>[0];

/** A live inventory, and the next readings that bring news. */
async function opened(directory: string) {
  const loads: Load[] = [];
  let wake = () => {};
  const live = await LiveInventory.open(directory, {
    quietMs: 20,
    onLoad: (load) => {
      loads.push(load);
      wake();
    },
  });
  const next = async (wanted: (load: Load) => boolean): Promise<Load> => {
    for (;;) {
      const found = loads.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { live, loads, next };
}

const profileOf = ({ snapshot }: { snapshot: Load["snapshot"] }, id: string) =>
  snapshot.groupsById.get(id)?.profile;

test("a change goes live; what is not valid does not, and the last good one goes on", async () => {
  await using lab = await TestLab.create(worker);
  const { live, loads, next } = await opened(lab.directory);
  using _ = live;
  const first = live.snapshot;

  await lab.write({ "groups/node2.json": '{"profile": "worker", "selector": {"role": "x"}}' });
  await next((load) => profileOf(load, "node2") === "worker");
  expect(live.snapshot).not.toBe(first);
  expect(selectGroup(first.groups, { role: "x" })).toBeUndefined(); // a snapshot never changes
  expect(selectGroup(live.snapshot.groups, { role: "x" })?.id).toBe("node2");

  await lab.write({ "groups/node2.json": '{"profile": "worker",' });
  const refused = await next(({ live }) => !live);
  expect(refused.problems).toMatchObject([{ place: { file: "groups/node2.json", line: 1, column: 22 } }]);
  expect(selectGroup(live.snapshot.groups, { role: "x" })?.id).toBe("node2");

  const count = loads.length;
  await lab.remove("groups/node2.json");
  await next((load) => loads.indexOf(load) >= count && load.live);
  expect(selectGroup(live.snapshot.groups, { role: "x" })).toBeUndefined();
});

test("files and directories that are put in the place of others are seen", async () => {
  await using lab = await TestLab.create(worker);
  const { live, next } = await opened(lab.directory);
  using _ = live;
  const at = (path: string) => join(lab.directory, path);

  // As editors save.
  await lab.write({ "groups/.node1.json.swp": '{"profile": "second"}' });
  await rename(at("groups/.node1.json.swp"), at("groups/node1.json"));
  await next((load) => profileOf(load, "node1") === "second");

  // As a checkout replaces a folder, and a mounted ConfigMap its link.
  await lab.write({ "new/node1.json": '{"profile": "third"}', "newer/node1.json": '{"profile": "fourth"}' });
  await rename(at("groups"), at("old"));
  await rename(at("new"), at("groups"));
  await next((load) => profileOf(load, "node1") === "third");
  await rename(at("groups"), at("older"));
  await symlink("newer", at("groups"));
  await next((load) => profileOf(load, "node1") === "fourth");
  await lab.write({ "newer/node1.json": '{"profile": "fifth"}' });
  await next((load) => profileOf(load, "node1") === "fifth");
});

test("a lab.yaml that appears, and the files that it names wherever they are, are watched", async () => {
  await using lab = await TestLab.create(worker);
  const { live, next } = await opened(lab.directory);
  using _ = live;
  await lab.write({
    "configs/a.yaml": "one",
    "lab.yaml": `${head}profiles: [{id: a, generic: configs/a.yaml}]\n`,
  });
  await next(({ snapshot }) => snapshot.generic.get("configs/a.yaml")?.text === "one");
  await lab.write({ "configs/a.yaml": "two" });
  await next(({ snapshot }) => snapshot.generic.get("configs/a.yaml")?.text === "two");
});

test("an assets directory that appears is served", async () => {
  await using lab = await TestLab.create(worker);
  const { live, next } = await opened(lab.directory);
  using _ = live;
  expect(live.snapshot.assets).toBeUndefined();
  await lab.write({ "assets/vmlinuz": "kernel" });
  await next(({ snapshot }) => snapshot.assets === join(lab.directory, "assets"));
});

test("many changes at once are read at once, and reading again finds nothing new", async () => {
  await using lab = await TestLab.create(worker);
  const { live, loads, next } = await opened(lab.directory);
  using _ = live;
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [
      `groups/g${i}.json`,
      `{"profile": "worker", "selector": {"n": "${i}"}}`,
    ]),
  );
  await lab.write(many);
  await next(({ snapshot }) => snapshot.groupsById.size === 301);
  expect(loads.length).toBeLessThan(30);
  const { snapshot } = live;
  await live.reload();
  expect(live.snapshot).toBe(snapshot);
});

test("what is not valid from the start is an error", async () => {
  await using lab = await TestLab.create({ ...worker, "groups/a.json": "{", "groups/b.json": "[]" });
  await expect(LiveInventory.open(lab.directory)).rejects.toThrow(
    "groups/a.json:1:2: not JSON: it ends before",
  );
});

test("without watching, reload reads", async () => {
  await using lab = await TestLab.create(worker);
  using live = await LiveInventory.open(lab.directory, { watch: false });
  await lab.write({ "groups/node1.json": '{"profile": "second"}' });
  const loaded = await live.reload();
  expect(loaded.snapshot).toBe(live.snapshot);
  expect(profileOf(live, "node1")).toBe("second");
});
