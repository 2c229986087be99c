import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";

const main = join(import.meta.dirname, "../../../dist/cli/main.js");
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-butane-command-"));
  await mkdir(join(directory, "files"));
  await writeFile(join(directory, "files/motd"), "hello\n");
  const files: Record<string, string> = {
    "good.bu":
      "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/motd, contents: {local: motd}}]}\n",
    "odd.bu": "variant: fcos\nversion: 1.5.0\nextra: 1\n",
    "bad.bu": "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: etc/motd\n",
    "old.ign":
      '{"ignition": {"version": "2.2.0"}, "storage": {"files": [{"path": "/a", "mode": 420, "filesystem": "root"}]}}',
    "base.ign": '{"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/a", "mode": 420}]}}',
    "child.ign": '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a", "mode": 384}]}}',
    "bad.ign": '{\n  "ignition": {"version": "3.4.0"},\n  "systemd": {"units": [{"name": "a"}]}\n}',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const slipway = (...args: string[]) =>
  run(process.execPath, [main, ...args], {
    allowFailure: true,
    cwd: directory,
    env: { SLIPWAY_HOME: directory },
  });

test("butane prints Ignition", async () => {
  const { exitCode, stdout, stderr } = await slipway("butane", "--files-dir", "files", "good.bu");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    ignition: { version: "3.4.0" },
    storage: { files: [{ path: "/etc/motd", contents: { source: "data:,hello%0A", compression: "" } }] },
  });
});

test("butane says what is wrong, where, and ends with the code of a config that is not valid", async () => {
  const { exitCode, stdout, stderr } = await slipway("butane", "bad.bu");
  expect({ exitCode, stdout }).toEqual({ exitCode: 88, stdout: "" });
  expect(stderr).toContain("bad.bu is not a valid Butane config: 1 error  [NODE_CONFIG_INVALID]");
  expect(stderr).toContain("bad.bu:5:13  storage.files[0].path: the path is not absolute: etc/motd");
});

test("butane without a files directory refuses local files", async () => {
  const { exitCode, stderr } = await slipway("butane", "good.bu");
  expect(exitCode).toBe(88);
  expect(stderr).toContain(
    "good.bu:3:55  storage.files[0].contents.local: local files need a files directory",
  );
});

test("warnings let butane work, but with --strict", async () => {
  const lenient = await slipway("butane", "odd.bu");
  expect(lenient.exitCode).toBe(0);
  expect(lenient.stderr).toContain('odd.bu:3:8  extra: unknown key "extra": it is ignored');
  const strict = await slipway("butane", "--strict", "odd.bu");
  expect({ exitCode: strict.exitCode, stdout: strict.stdout }).toEqual({ exitCode: 88, stdout: "" });
});

test("--check prints nothing, --pretty indents", async () => {
  expect((await slipway("butane", "--check", "odd.bu")).stdout).toBe("");
  expect((await slipway("butane", "--pretty", "odd.bu")).stdout).toContain('{\n  "ignition": {\n');
});

test("ignition validate tells of each file", async () => {
  const { exitCode, stdout, stderr } = await slipway(
    "ignition",
    "validate",
    "base.ign",
    "bad.ign",
    "old.ign",
  );
  expect(exitCode).toBe(88);
  expect(stdout.trim()).toBe("base.ign: valid, spec 3.0.0");
  expect(stderr).toContain("2 of 3 files are not valid");
  expect(stderr).toContain("bad.ign:3:34  systemd.units[0].name: a unit's name ends in");
  expect(stderr).toContain("slipway ignition upgrade makes 3.4 of 2.x");
  const json = await slipway("ignition", "validate", "-o", "json", "bad.ign");
  expect(json.exitCode).toBe(88);
  expect(JSON.parse(json.stdout)).toMatchObject([{ file: "bad.ign", valid: false, problems: [{ line: 3 }] }]);
});

test("ignition merge puts the child over the parent", async () => {
  const { exitCode, stdout } = await slipway("ignition", "merge", "base.ign", "child.ign");
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    ignition: { version: "3.3.0" },
    storage: { files: [{ path: "/a", mode: 384 }] },
  });
});

test("ignition upgrade brings 2.x and 3.x to the spec that is asked for", async () => {
  const old = await slipway("ignition", "upgrade", "old.ign");
  expect(JSON.parse(old.stdout)).toMatchObject({
    ignition: { version: "3.4.0" },
    storage: { files: [{ path: "/a", mode: 420, overwrite: true }] },
  });
  const newer = await slipway("ignition", "upgrade", "--to", "3.5", "base.ign");
  expect(JSON.parse(newer.stdout)).toMatchObject({ ignition: { version: "3.5.0" } });
  const back = await slipway("ignition", "upgrade", "--to", "3.1", "child.ign");
  expect({ exitCode: back.exitCode, stdout: back.stdout }).toEqual({ exitCode: 88, stdout: "" });
});

test("a file that is not there is named", async () => {
  const { exitCode, stderr } = await slipway("ignition", "validate", "nowhere.ign");
  expect(exitCode).toBe(14);
  expect(stderr).toContain("nowhere.ign: there is no such file");
});
