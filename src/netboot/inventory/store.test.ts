import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { selectGroup } from "./select.js";
import { InventoryStore } from "./store.js";
import { head, TestLab, worker } from "./testing.js";
import { LiveInventory } from "./watch.js";

async function opened(files: Record<string, string>) {
  const lab = await TestLab.create(files);
  const live = await LiveInventory.open(lab.directory, { quietMs: 10 });
  const read = (path: string) => readFile(join(lab.directory, path), "utf8");
  return { lab, live, store: new InventoryStore(live), read };
}

test("what is put is written as matchbox writes it, and live", async () => {
  const { lab, live, store, read } = await opened(worker);
  await using _ = lab;
  using __ = live;
  await store.putProfile({
    id: "p",
    name: "P",
    boot: { kernel: "k", initrd: [], args: ["a", "b"] },
    genericId: "g",
  });
  await store.putGroup({
    id: "n",
    profile: "p",
    selector: { rack: "1", mac: "52:54:00:00:00:01" },
    metadata: { z: 1, a: { y: [1, null], x: "<" } },
  });
  await store.putText("generic", "g", "text {{.a}}");
  expect(await read("profiles/p.json")).toBe(
    '{\n\t"id": "p",\n\t"name": "P",\n\t"boot": {\n\t\t"kernel": "k",\n\t\t"args": [\n\t\t\t"a",\n\t\t\t"b"\n\t\t]\n\t},\n\t"generic_id": "g"\n}',
  );
  expect(JSON.parse(await read("groups/n.json"))).toEqual({
    id: "n",
    profile: "p",
    selector: { mac: "52:54:00:00:00:01", rack: "1" },
    metadata: { a: { x: "<", y: [1, null] }, z: 1 },
  });
  expect(Object.keys(JSON.parse(await read("groups/n.json")).metadata)).toEqual(["a", "z"]);
  expect(selectGroup(live.snapshot.groups, { mac: "52:54:00:00:00:01", rack: "1" })?.id).toBe("n");
  expect(store.getText("generic", "g")?.text).toBe("text {{.a}}");
  expect((await stat(join(lab.directory, "generic/g"))).mode & 0o777).toBe(0o600);
  expect(store.listGroups().map(({ id }) => id)).toEqual(["n", "node1"]);
  expect(store.listProfiles().map(({ id }) => id)).toEqual(["p", "worker"]);

  expect(await store.deleteGroup("n")).toBe(true);
  expect(await store.deleteGroup("n")).toBe(false);
  expect(await readdir(join(lab.directory, "groups"))).toEqual(["node1.json"]);
  expect(store.getGroup("n")).toBeUndefined();
  expect(await store.deleteText("generic", "g")).toBe(true);
  expect(await store.deleteProfile("p")).toBe(true);
});

test.each(["", "..", "../x", "a/b", "a\\b", "a\0b", ".hidden", "a~", "x".repeat(201)])(
  "the name %j is refused, and nothing written",
  async (name) => {
    const { lab, live, store } = await opened(worker);
    await using _ = lab;
    using __ = live;
    const group = { id: name, profile: "worker", selector: {}, metadata: {} };
    await expect(store.putGroup(group)).rejects.toThrow("cannot be a group's name");
    await expect(store.putProfile({ id: name, boot: { initrd: [], args: [] } })).rejects.toThrow("cannot be");
    await expect(store.putText("ignition", name, "x")).rejects.toThrow("cannot be");
    expect(await readdir(lab.directory, { recursive: true })).toHaveLength(6);
  },
);

test("a put that would make the whole invalid is refused, with the reason", async () => {
  const { lab, live, store } = await opened(worker);
  await using _ = lab;
  using __ = live;
  const before = live.snapshot;
  await expect(
    store.putGroup({ id: "g", profile: "worker", selector: { mac: "zz" }, metadata: {} }),
  ).rejects.toThrow('groups/g.json:5:3 selector.mac: "zz" is not a MAC address');
  await expect(store.putGroup({ id: "g", profile: "", selector: {}, metadata: {} })).rejects.toThrow(
    "profile: is empty",
  );
  await expect(store.putText("ignition", "x.ign", '{"ignition": {"version": "9.0.0"}}')).rejects.toThrow(
    "ignition/x.ign:1:26 ignition.version: unsupported",
  );
  await expect(store.putText("ignition", "x.ign", Uint8Array.of(0xff))).rejects.toThrow("not text in UTF-8");
  expect(live.snapshot).toBe(before);
  expect(await readdir(join(lab.directory, "groups"))).toEqual(["node1.json"]);
  await store.putGroup({ id: "g", profile: "worker", selector: {}, metadata: {} });
  expect(live.snapshot.groupsById.has("g")).toBe(true);
});

test("what a lab.yaml says is changed there", async () => {
  const { lab, live, store } = await opened({
    "lab.yaml": `${head}groups: [{id: g, profile: p}]\nprofiles: [{id: p, generic: "a\\n"}]\n`,
  });
  await using _ = lab;
  using __ = live;
  const group = { id: "g", profile: "p", selector: {}, metadata: {} };
  await expect(store.putGroup(group)).rejects.toThrow("the group g is written in lab.yaml:3:10");
  await expect(store.deleteGroup("g")).rejects.toThrow("the group g is written in lab.yaml:3:10");
  await expect(store.putText("generic", "p", "x")).rejects.toThrow("is written in lab.yaml:4:20");
  await store.putGroup({ ...group, id: "other", selector: { a: "b" } });
  expect(await readdir(join(lab.directory, "groups"))).toEqual(["other.json"]);

  using alone = await LiveInventory.open(join(lab.directory, "lab.yaml"), { watch: false });
  await expect(new InventoryStore(alone).putGroup({ ...group, id: "x" })).rejects.toThrow("is one file");
});

test("many at once, with the watcher awake, are all there", async () => {
  const { lab, live, store } = await opened(worker);
  await using _ = lab;
  using __ = live;
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.putGroup({ id: `g${i}`, profile: "worker", selector: { n: `${i}` }, metadata: {} }),
    ),
  );
  expect(live.snapshot.groupsById.size).toBe(101);
  const { snapshot } = live;
  await live.reload();
  expect(live.snapshot).toBe(snapshot); // what was read from disk is what was put
});
