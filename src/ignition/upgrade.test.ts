import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { validConfigs } from "./fixtures/configs.js";
import { upgradeIgnition } from "./upgrade.js";

const upgrade = (config: unknown, minor = 4) =>
  upgradeIgnition(JSON.stringify(config, null, 2), "old.ign", minor);
const errorsOf = (config: unknown, minor = 4) =>
  upgrade(config, minor)
    .problems.filter(({ severity }) => severity === "error")
    .map(({ line, path, message }) => `${line} ${path.join(".")}: ${message}`);
const v2 = (parts: object) => ({ ignition: { version: "2.2.0" }, ...parts });

describe("3.x", () => {
  test.each(Object.entries(validConfigs))("%s becomes 3.5", (_, config) => {
    const { config: upgraded } = upgrade(config, 5);
    expect(upgraded?.ignition.version).toBe("3.5.0");
  });

  test("what it says stays", () => {
    const storage = { files: [{ path: "/a", mode: 0o600, contents: { source: "data:,a" } }] };
    expect(upgrade({ ignition: { version: "3.0.0" }, storage }).config).toEqual({
      ignition: { version: "3.4.0" },
      storage,
    });
  });

  test("it does not go back", () => {
    expect(errorsOf({ ignition: { version: "3.5.0" } })).toEqual([
      "3 ignition.version: the config is of spec 3.5.0: it cannot go back to 3.4",
    ]);
  });

  test("what is not valid stays so", () => {
    expect(errorsOf({ ignition: { version: "3.1.0" }, storage: { files: [{ path: "a" }] } })).toEqual([
      "8 storage.files.0.path: the path is not absolute: a",
    ]);
  });
});

describe("2.x", () => {
  test("becomes 3.4", () => {
    const { config, problems } = upgrade(
      v2({
        ignition: {
          version: "2.4.0",
          config: {
            append: [{ source: "https://a/b.ign", verification: { hash: `sha512-${"0".repeat(128)}` } }],
          },
          timeouts: { httpTotal: 5 },
        },
        storage: {
          disks: [{ device: "/dev/vda", partitions: [{ number: 1, label: "a", start: 2048, size: 4096 }] }],
          filesystems: [{ name: "v", mount: { device: "/dev/vdb", format: "xfs", wipeFilesystem: true } }],
          files: [
            { filesystem: "root", path: "/a", mode: 420, contents: { source: "data:,a" } },
            { filesystem: "root", path: "/b", mode: 420, overwrite: false, contents: { source: "data:,b" } },
            { filesystem: "root", path: "/c", append: true, contents: { source: "data:,c" } },
          ],
        },
        systemd: { units: [{ name: "a.service", enable: true, contents: "[Install]\nWantedBy=x.target\n" }] },
        passwd: { users: [{ name: "u", create: { uid: 7 } }] },
        networkd: { units: [{ name: "a.network", dropins: [{ name: "b.conf", contents: "[Network]\n" }] }] },
      }),
    );
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(config).toMatchObject({
      ignition: {
        version: "3.4.0",
        config: { merge: [{ source: "https://a/b.ign" }] },
        timeouts: { httpTotal: 5 },
      },
      storage: {
        disks: [{ device: "/dev/vda", partitions: [{ number: 1, label: "a", startMiB: 1, sizeMiB: 2 }] }],
        filesystems: [{ device: "/dev/vdb", format: "xfs", wipeFilesystem: true }],
        files: [
          { path: "/a", mode: 420, overwrite: true, contents: { source: "data:,a" } },
          { path: "/b", mode: 420, overwrite: false, contents: { source: "data:,b" } },
          { path: "/c", append: [{ source: "data:,c" }] },
          { path: "/etc/systemd/network/a.network.d/b.conf" },
        ],
      },
      systemd: { units: [{ name: "a.service", enabled: true }] },
      passwd: { users: [{ name: "u", uid: 7 }] },
    });
    expect(config?.storage?.filesystems?.[0]).not.toHaveProperty("name");
  });

  test("what was converted is said where it stands", () => {
    const { problems } = upgrade(v2({ systemd: { units: [{ name: "a.service", enable: true }] } }));
    expect(problems).toMatchObject([
      { severity: "warning", file: "old.ign", line: 9, path: ["systemd", "units", 0, "enable"] },
    ]);
  });

  test.each([
    [
      v2({ storage: { files: [{ filesystem: "data", path: "/a" }] } }),
      /filesystem: there is no file system named "data"/,
    ],
    [
      v2({
        storage: {
          filesystems: [{ name: "data", mount: { device: "/dev/vda", format: "ext4" } }],
          files: [{ filesystem: "data", path: "/a" }],
        },
      }),
      /filesystem: Ignition 3 has no files by file system: mount "data" at a path/,
    ],
    [
      v2({ storage: { disks: [{ device: "/dev/vda", partitions: [{ number: 1, size: 100 }] }] } }),
      /size: 100 sectors are not whole mebibytes/,
    ],
    [
      v2({ storage: { files: [{ filesystem: "root", path: "a" }] } }),
      /storage\.files\.0\.path: the path is not absolute/,
    ],
    [
      v2({ storage: { files: [{ path: "/a" }, { path: "/a" }] } }),
      /storage\.files\.1: a second entry for "\/a"/,
    ],
    [v2({ storage: { files: {} } }), /storage\.files: must be an array/],
    [{ ignition: { version: "1.0.0" } }, /unsupported spec version "1\.0\.0"/],
    [{}, /ignition\.version is missing/],
  ])("%j is an error by name", (config, message) => {
    expect(errorsOf(config)).toEqual([expect.stringMatching(message)]);
  });

  test("does not become what is older than 3.4", () => {
    expect(errorsOf(v2({}), 2)).toEqual([expect.stringContaining("3.4 or newer")]);
  });
});

test("text that is no JSON has its place", () => {
  expect(upgradeIgnition("{\n  nonsense", "old.ign", 4).problems).toMatchObject([{ line: 2, column: 3 }]);
});

test("whatever JSON it is given, it answers", () => {
  const keys = fc.constantFrom(
    ..."ignition version storage files filesystem path mode contents source append disks partitions size".split(
      " ",
    ),
    ..."systemd units name enable networkd dropins passwd users create config replace filesystems mount".split(
      " ",
    ),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom("/a", "root", 420, 2048, true, null),
      fc.dictionary(keys, tie("tree")),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(keys, tree), (document) => {
      const { config, problems } = upgrade({ ...document, ignition: { version: "2.3.0" } });
      expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
    }),
  );
});
