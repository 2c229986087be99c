import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { translateButane } from "./translate.js";

const translate = (text: string, more = {}) => translateButane(text, { file: "a.bu", ...more });
const errorsOf = (text: string, more = {}) =>
  translate(text, more)
    .problems.filter(({ severity }) => severity === "error")
    .map(({ line, column, path, message }) => `${line}:${column} ${path.join(".")} ${message}`);

test("a config becomes Ignition, and what is odd has its place", () => {
  const { config, problems } = translate(`variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: hello
      owner: root
`);
  expect(config).toEqual({
    ignition: { version: "3.4.0" },
    storage: {
      files: [{ path: "/etc/motd", mode: 0o644, contents: { source: "data:,hello", compression: "" } }],
    },
  });
  expect(problems).toMatchObject([
    { file: "a.bu", line: 9, column: 14, severity: "warning", path: ["storage", "files", 0, "owner"] },
  ]);
});

describe("what Ignition finds has its place in the YAML", () => {
  test.each([
    [
      "an entry behind those that were put in",
      `variant: fcos
version: 1.5.0
boot_device: {mirror: {devices: [/dev/vda, /dev/vdb]}}
storage:
  filesystems:
    - {device: /dev/md/md-root, format: btrfs}
    - {device: vdc, format: xfs}
`,
      "7:16 storage.filesystems.1.device",
    ],
    [
      "an entry that was put in",
      `variant: fcos
version: 1.5.0
boot_device:
  mirror:
    devices:
      - /dev/vda
      - vdb
`,
      "7:9 boot_device.mirror.devices.1",
    ],
    [
      "a source that was inline",
      `variant: fcos
version: 1.5.0
ignition:
  config:
    merge:
      - inline: a
        verification: {hash: sha256-1}
`,
      "7:30 ignition.config.merge.0.verification.hash",
    ],
    [
      "an entry that stands behind an alias",
      `variant: fcos
version: 1.5.0
systemd:
  units:
    - &one
      name: a.nothing
    - <<: *one
      mask: true
`,
      "6:13 systemd.units.0.name",
    ],
    [
      "the second of two that are the same",
      `variant: fcos
version: 1.5.0
storage:
  files:
    - path: /a
    - path: /b
    - path: /a
`,
      "7:7 storage.files.2",
    ],
  ])("%s", (_, text, place) => {
    expect(errorsOf(text)).toContainEqual(expect.stringContaining(`${place} `));
  });
});

test("every wrong type is said at once, each with its place", () => {
  expect(
    errorsOf(`variant: fcos
version: 1.5.0
storage:
  files:
    - path: [a]
      mode: "0644"
systemd: units
`),
  ).toEqual([
    "5:7 storage.files.0.path must be text",
    "6:13 storage.files.0.mode must be an integer",
    "7:10 systemd must be a mapping",
  ]);
});

test("text that is no YAML has its place", () => {
  expect(errorsOf("variant: fcos\nstorage:\n\tfiles: []\n")).toEqual([
    expect.stringMatching(/^3:1 .*[Tt]ab/),
  ]);
});

test.each([
  ["contents: {local: a}", "storage.files.0.contents.local"],
  ["append: [{local: a}]", "storage.files.0.append.0.local"],
])("without local files %s is an error", (fields, path) => {
  const text = `variant: flatcar\nversion: 1.1.0\nstorage: {files: [{path: /a, ${fields}}]}\n`;
  expect(errorsOf(text)).toEqual([expect.stringContaining(`${path} local files need a files directory`)]);
});

test("trees without local files are an error", () => {
  const text = "variant: fcos\nversion: 1.5.0\nstorage: {trees: [{local: a}]}\n";
  expect(errorsOf(text)).toEqual([expect.stringContaining("storage.trees.0 local files need")]);
});

test("a local path does not lead out of the files directory, and what is inside is asked for in its shortest form", () => {
  const asked: string[] = [];
  const readLocal = (path: string) => {
    asked.push(path);
    return Buffer.from("x");
  };
  const of = (path: string) =>
    `variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: "${path}"}}]}\n`;
  for (const path of ["..", "../a", "a/../../b", "/../a"]) {
    expect(errorsOf(of(path), { readLocal })).toEqual([expect.stringContaining("leads out of")]);
  }
  for (const path of ["a", "./a", "b/../a", "/a", "..a"])
    expect(errorsOf(of(path), { readLocal })).toEqual([]);
  expect(asked).toEqual(["a", "a", "a", "a", "..a"]);
});

test("aliases of aliases do not blow up", () => {
  const levels = Array.from({ length: 30 }, (_, i) => `x${i + 1}: &x${i + 1} {<<: [*x${i}, *x${i}]}`);
  const merges = `x0: &x0 {a: b}\n${levels.join("\n")}\nstorage: *x30\n`;
  expect(errorsOf(`variant: fcos\nversion: 1.5.0\n${merges}`)).toEqual([]);
  const dropins = `a: &dropins [${Array.from({ length: 1000 }, (_, i) => `{name: ${i}.conf}`).join(", ")}]`;
  const units = Array.from({ length: 1000 }, (_, i) => `{name: ${i}.service, dropins: *dropins}`);
  const many = `${dropins}\nsystemd: {units: [${units.join(", ")}]}\n`;
  expect(errorsOf(`variant: fcos\nversion: 1.5.0\n${many}`)).toEqual([
    expect.stringContaining("too many aliases"),
  ]);
  const itself = "systemd: &s {<<: *s, units: []}\n";
  expect(() => translate(`variant: fcos\nversion: 1.5.0\n${itself}`)).not.toThrow();
});

test.each([
  ["flow", `storage: ${"[".repeat(20_000)}`],
  ["block", `storage:\n${Array.from({ length: 1500 }, (_, i) => `${" ".repeat(i + 1)}a:`).join("\n")}\n`],
  ["a list in a list", `storage:\n ${"- ".repeat(5000)}`],
])("what is nested too deeply is an error: %s", (_, body) => {
  expect(errorsOf(`variant: fcos\nversion: 1.5.0\n${body}`)).toEqual(["1:1  nested too deeply"]);
});

describe("whatever it is given, it answers", () => {
  const answers = (text: string) => {
    const { config, problems } = translate(text, { readLocal: () => Buffer.from("x"), readTree: () => [] });
    expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
    const lines = text.split(/\n/).length;
    for (const { line, column } of problems) {
      expect(line).toBeGreaterThan(0);
      expect(line).toBeLessThanOrEqual(lines);
      expect(column).toBeGreaterThan(0);
    }
  };

  test("any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), answers));
  });

  test("YAML's own signs", () => {
    const signs = fc.constantFrom(
      ..."{}[]:,-?&*!|>'\"%@`#~\n\t ".split(""),
      "variant: fcos\nversion: 1.6.0\n",
      "storage:\n  files:\n    - ",
      "<<: ",
      "&a ",
      "*a",
      "path: /a\n",
      "!!binary ",
      "0o7",
      "\n      ",
    );
    fc.assert(fc.property(fc.array(signs, { maxLength: 40 }), (parts) => answers(parts.join(""))));
  });

  test("values where others are meant", () => {
    const keys = fc.constantFrom(
      ..."storage files path mode contents inline local trees filesystems with_mount_unit device format luks clevis tang".split(
        " ",
      ),
      ..."systemd units name contents_local dropins passwd users boot_device mirror devices layout grub ignition merge".split(
        " ",
      ),
      ..."config disks partitions label number raid level kernel_arguments should_exist append user group id".split(
        " ",
      ),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom("/a", "/dev/vda", "ext4", "", "x86_64", 1, 420, -1, true, null),
        fc.dictionary(keys, tie("tree"), { maxKeys: 5 }),
        fc.array(tie("tree"), { maxLength: 3 }),
      ),
    }));
    const versions = fc.constantFrom("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0");
    fc.assert(
      fc.property(fc.dictionary(keys, tree), versions, (body, version) =>
        answers(JSON.stringify({ variant: "fcos", version, ...body })),
      ),
    );
  });
});
