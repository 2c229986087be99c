import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exists } from "../../base/files.js";
import { hostsText, refreshClusterFiles, resolvConfText } from "./cluster-files.js";
import { clusterLayout, machineLayout } from "./layout.js";
import { discardDirectory, mountPointsBelow } from "./remove.js";
import { overlayOptions } from "./root.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-files-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("an overlay lists the uppermost layer first, colons escaped", () => {
  const layout = machineLayout("/state", "demo", "one");
  expect(overlayOptions(["/a:b", "/base"], layout)).toBe(
    "lowerdir=/a\\:b:/base,upperdir=/state/demo/machines/one/upper,workdir=/state/demo/machines/one/work",
  );
  expect(() => overlayOptions(["/a,b"], layout)).toThrow(/cannot be made of/);
  expect(() => overlayOptions(Array(50).fill(`/${"x".repeat(100)}`), layout)).toThrow(/too long/);
});

test("mounts below a directory are found deepest first, with their names decoded", () => {
  const mountinfo = [
    "22 1 8:1 / / rw - ext4 /dev/vda rw",
    "30 22 0:40 / /state/one rw - overlay overlay rw",
    "31 30 0:41 / /state/one/a\\040b rw - tmpfs tmpfs rw",
    "32 22 0:42 / /state/one-more rw - tmpfs tmpfs rw",
    "",
  ].join("\n");
  expect(mountPointsBelow(mountinfo, "/state/one")).toEqual(["/state/one/a b", "/state/one"]);
});

test("a machine's directory goes, what its links point to stays", async () => {
  const outside = join(directory, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "precious"), "");
  await mkdir(join(directory, "one/deep"), { recursive: true });
  await symlink(outside, join(directory, "one/deep/link"));
  await symlink("/", join(directory, "one/root"));
  await discardDirectory(join(directory, "one"), join(directory, "trash"));
  expect(await readdir(directory)).toEqual(["outside"]);
  expect(await exists(join(outside, "precious"))).toBe(true);
});

test("machines of a cluster are removed at the same time", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `node-${i}`);
  for (const name of names) {
    await mkdir(join(directory, name, "upper"), { recursive: true });
    for (let i = 0; i < 50; i++) await writeFile(join(directory, name, "upper", String(i)), "");
  }
  await Promise.all(names.map((name) => discardDirectory(join(directory, name), join(directory, "trash"))));
  expect(await readdir(directory)).toEqual([]);
});

test("a machine's directory that is a link is left alone", async () => {
  const outside = join(directory, "outside");
  await mkdir(outside);
  await symlink(outside, join(directory, "one"));
  await discardDirectory(join(directory, "one"), join(directory, "trash"));
  expect(await exists(outside)).toBe(true);
});

test("machines of a cluster know each other, and at most three name servers", () => {
  expect(hostsText([{ name: "demo-1", address: "10.77.0.2" }])).toContain("\n10.77.0.2 demo-1\n");
  expect(resolvConfText([])).toBe("# the host's name servers\n");
  expect(resolvConfText(["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"]).match(/nameserver/g)).toHaveLength(3);
});

test("the shared files are changed in place, for running machines have them bound", async () => {
  const layout = clusterLayout(directory, "demo");
  await refreshClusterFiles(layout, [{ name: "a-long-name", address: "10.77.0.2" }]);
  const { ino } = await stat(layout.hosts);
  await refreshClusterFiles(layout, [{ name: "b", address: "10.77.0.3" }]);
  expect((await stat(layout.hosts)).ino).toBe(ino);
  expect(await readFile(layout.hosts, "utf8")).toBe(hostsText([{ name: "b", address: "10.77.0.3" }]));
});
