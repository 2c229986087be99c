import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IgnitionConfig, IgnitionFile, IgnitionUnit } from "../config.js";
import { encodeDataUrl } from "../data-url.js";
import { type ApplyOptions, applyIgnition } from "./apply.js";

/** The differential test against the real ignition is in test/e2e/ignition: here is what it cannot show. */
const ignition = { version: "3.4.0" };
const source = (contents: string | Uint8Array) => ({ source: encodeDataUrl(contents) });

let outside: string;
let root: string;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), "slipway-apply-"));
  root = join(outside, "root");
  await mkdir(root);
});
afterEach(() => rm(outside, { recursive: true, force: true }));

const apply = (parts: Partial<IgnitionConfig>, options: Partial<ApplyOptions> = {}) =>
  applyIgnition({ ignition, ...parts }, root, { now: new Date("2026-11-20T00:00:00Z"), ...options });
const applyFiles = (...files: IgnitionFile[]) => apply({ storage: { files } });
const read = (path: string) => readFile(join(root, path), "utf8");
const failed = (message: RegExp) =>
  expect.objectContaining({ code: "NODE_CONFIG_FAILED", message: expect.stringMatching(message) });

describe("nothing is written outside the root", () => {
  test("through an absolute link", async () => {
    await symlink(outside, join(root, "out"));
    await applyFiles({ path: "/out/file", contents: source("x") });
    expect(await read(join(outside, "file"))).toBe("x");
    await expect(lstat(join(outside, "file"))).rejects.toThrow("ENOENT");
  });

  test("through links to links, and ..", async () => {
    await symlink("/second", join(root, "first"));
    await symlink("../../../../../../tmp", join(root, "second"));
    await applyFiles({ path: "/first/../first/file", contents: source("x") });
    expect(await read("/tmp/file")).toBe("x");
  });

  test("through a link that the config itself makes", async () => {
    await symlink("/real", join(root, "alias"));
    const storage = {
      links: [{ path: "/real/link", target: outside }],
      files: [{ path: "/alias/link/file", contents: source("x") }],
    };
    await expect(apply({ storage })).rejects.toThrow(
      failed(/lies below \/real\/link, which the config makes a link/),
    );
  });

  test("through the last part of a path", async () => {
    await writeFile(join(outside, "precious"), "mine");
    await symlink(join(outside, "precious"), join(root, "file"));
    await expect(applyFiles({ path: "/file", append: [source("x")] })).rejects.toThrow(
      failed(/not a file is there/),
    );
    await applyFiles({ path: "/file", overwrite: true, contents: source("x") });
    expect(await readFile(join(outside, "precious"), "utf8")).toBe("mine");
  });

  test("by a unit's or drop-in's name", async () => {
    const units: IgnitionUnit[] = [{ name: "../../../a.service", contents: "[Unit]\n" }];
    await expect(apply({ systemd: { units } })).rejects.toThrow(failed(/not a unit's name/));
  });

  test("round and round", async () => {
    await symlink("b", join(root, "a"));
    await symlink("a", join(root, "b"));
    await expect(applyFiles({ path: "/a/file" })).rejects.toThrow(failed(/circles/));
  });

  test("and the root itself stays", async () => {
    await writeFile(join(root, "kept"), "");
    const storage = { directories: [{ path: "/", overwrite: true }] };
    await expect(apply({ storage })).rejects.toThrow(failed(/root itself/));
    expect(await read("kept")).toBe("");
  });
});

describe("what cannot be done is refused before anything is written", () => {
  test.each<[string, Partial<IgnitionConfig>, RegExp]>([
    ["disks", { storage: { disks: [{ device: "/dev/sda" }] } }, /storage\.disks/],
    ["raid", { storage: { raid: [{}] } }, /storage\.raid/],
    ["filesystems", { storage: { filesystems: [{}] } }, /storage\.filesystems/],
    ["luks", { storage: { luks: [{}] } }, /storage\.luks/],
    ["kernel arguments", { kernelArguments: { shouldExist: ["quiet"] } }, /kernelArguments\.shouldExist/],
    [
      "a remote source",
      { storage: { files: [{ path: "/b", contents: { source: "https://x/y" } }] } },
      /https:/,
    ],
  ])("%s", async (_, parts, message) => {
    const files = [{ path: "/a", contents: source("x") }, ...(parts.storage?.files ?? [])];
    await expect(apply({ ...parts, storage: { ...parts.storage, files } })).rejects.toThrow(failed(message));
    await expect(lstat(join(root, "a"))).rejects.toThrow("ENOENT");
  });

  test("contents that do not have their hash", async () => {
    const hash = `sha256-${createHash("sha256").update("other").digest("hex")}`;
    const files = [{ path: "/a" }, { path: "/b", contents: { ...source("x"), verification: { hash } } }];
    await expect(applyFiles(...files)).rejects.toThrow(failed(/\/b does not have the contents/));
    await expect(lstat(join(root, "a"))).rejects.toThrow("ENOENT");
  });

  test("a gzip bomb", async () => {
    const part = gzipSync(Buffer.alloc(16 * 1024 * 1024)); // gzip allows parts, one after the other (RFC 1952 §2.2)
    const contents = { ...source(Buffer.concat(Array(17).fill(part))), compression: "gzip" as const };
    await expect(applyFiles({ path: "/b", contents })).rejects.toThrow(failed(/more than 256 MiB/));
  });

  test("a root that is not there", async () => {
    await rm(root, { recursive: true });
    await expect(applyFiles({ path: "/a" })).rejects.toThrow(failed(/not a directory/));
  });

  test("when it was cancelled", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(apply({ storage: { files: [{ path: "/a" }] } }, { signal })).rejects.toThrow("stopped");
    await expect(lstat(join(root, "a"))).rejects.toThrow("ENOENT");
  });
});

test("other sources are fetched by the caller's resolver, then unpacked and verified", async () => {
  const hash = `sha512-${createHash("sha512").update("secret").digest("hex")}`;
  const contents = { source: "slipway:key", compression: "gzip" as const, verification: { hash } };
  await apply(
    { storage: { files: [{ path: "/key", mode: 0o600, contents }] } },
    { resolve: async (resource) => gzipSync(resource.source === "slipway:key" ? "secret" : "") },
  );
  expect(await read("key")).toBe("secret");
  expect((await stat(join(root, "key"))).mode & 0o777).toBe(0o600);
});

test("modes do not depend on our umask", async () => {
  const before = process.umask(0o077);
  try {
    await apply({
      storage: {
        files: [{ path: "/new/parent/file", contents: source("x") }],
        directories: [{ path: "/new/directory" }],
      },
    });
  } finally {
    process.umask(before);
  }
  const mode = async (path: string) => ((await stat(join(root, path))).mode & 0o7777).toString(8);
  expect(await Promise.all(["new", "new/parent", "new/parent/file", "new/directory"].map(mode))).toEqual([
    "755",
    "755",
    "644",
    "755",
  ]);
});

test("units are enabled by preset, and by links when asked", async () => {
  const units: IgnitionUnit[] = [
    { name: "t@.service", contents: "[Install]\nWantedBy=multi-user.target\n" },
    { name: "t@b.service", enabled: true },
    { name: "t@a.service", enabled: true },
    { name: "z.service", enabled: true, contents: "[Install]\nRequiredBy=x.target\nAlias=y.service\n" },
    { name: "m.service", enabled: true, mask: true },
  ];
  await apply({ systemd: { units } }, { enableUnits: "symlinks" });
  expect(await read("etc/systemd/system-preset/20-ignition.preset")).toBe(
    "enable m.service\nenable t@.service b a\nenable z.service\n",
  );
  const target = (link: string) => readlink(join(root, "etc/systemd/system", link));
  expect(await target("multi-user.target.wants/t@a.service")).toBe("/etc/systemd/system/t@.service");
  expect(await target("x.target.requires/z.service")).toBe("/etc/systemd/system/z.service");
  expect(await target("y.service")).toBe("/etc/systemd/system/z.service");
  expect(await target("m.service")).toBe("/dev/null");
});

test("a unit that is to be enabled by link must exist", async () => {
  const systemd = { units: [{ name: "absent.service", enabled: true }] };
  await expect(apply({ systemd }, { enableUnits: "symlinks" })).rejects.toThrow(failed(/absent\.service/));
});

test("account files cannot be forged", async () => {
  await mkdir(join(root, "etc"));
  await writeFile(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\n");
  const passwd = { users: [{ name: "a", gecos: "x:y\nevil:x:0:0::/:/bin/sh" }] };
  await expect(apply({ passwd })).rejects.toThrow(failed(/cannot stand in an account file/));
  expect(await read("etc/passwd")).toBe("root:x:0:0::/root:/bin/sh\n");
});

test("a node's config of sixty files takes milliseconds", async () => {
  const config: IgnitionConfig = {
    ignition,
    storage: {
      files: Array.from({ length: 60 }, (_, i) => ({
        path: `/etc/kubernetes/d${i % 8}/file-${i}`,
        mode: 0o600,
        contents: source("x".repeat(1500)),
      })),
    },
    systemd: {
      units: Array.from({ length: 10 }, (_, i) => ({
        name: `u${i}.service`,
        enabled: true,
        contents: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
      })),
    },
  };
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const directory = join(outside, `root-${round}`);
    await mkdir(directory);
    const before = process.cpuUsage();
    await applyIgnition(config, directory, { now: new Date(), enableUnits: "symlinks" });
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / 1000);
  }
  expect(Math.min(...rounds)).toBeLessThan(50); // CPU, and the best of five: a busy machine proves nothing
});
