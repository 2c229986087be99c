import { expect, test } from "vitest";
import type { IgnitionConfig } from "./config.js";
import { mergeIgnition } from "./merge.js";

const config = (parts: Partial<IgnitionConfig>): IgnitionConfig => ({
  ignition: { version: "3.4.0" },
  ...parts,
});

test("what the child says wins, what it leaves out stays", () => {
  const parent = config({
    storage: { files: [{ path: "/a", mode: 0o644, contents: { source: "data:,p" } }, { path: "/b" }] },
  });
  const child = config({
    storage: { files: [{ path: "/c" }, { path: "/a", contents: { source: "data:,c" } }] },
  });
  expect(mergeIgnition(parent, child).storage?.files).toEqual([
    { path: "/a", mode: 0o644, contents: { source: "data:,c" } },
    { path: "/b" },
    { path: "/c" },
  ]);
});

test("false wins over true", () => {
  const parent = config({ systemd: { units: [{ name: "a.service", enabled: true }] } });
  const child = config({ systemd: { units: [{ name: "a.service", enabled: false }] } });
  expect(mergeIgnition(parent, child).systemd?.units).toEqual([{ name: "a.service", enabled: false }]);
});

test("a path that the child makes a link is the parent's file no more", () => {
  const parent = config({ storage: { files: [{ path: "/a" }], directories: [{ path: "/d" }] } });
  const child = config({ storage: { links: [{ path: "/a", target: "b" }], files: [{ path: "/d" }] } });
  expect(mergeIgnition(parent, child).storage).toEqual({
    files: [{ path: "/d" }],
    directories: [],
    links: [{ path: "/a", target: "b" }],
  });
});

test("appended contents add up", () => {
  const part = { source: "data:,x" };
  const parent = config({ storage: { files: [{ path: "/a", append: [part] }] } });
  expect(mergeIgnition(parent, parent).storage?.files).toEqual([{ path: "/a", append: [part, part] }]);
});

test("drop-ins, keys and kernel arguments are merged by what they are", () => {
  const parent = config({
    systemd: { units: [{ name: "a.service", dropins: [{ name: "1.conf", contents: "p" }] }] },
    passwd: { users: [{ name: "u", groups: ["a", "b"], sshAuthorizedKeys: ["k1"] }] },
    kernelArguments: { shouldExist: ["quiet", "splash"] },
  });
  const child = config({
    systemd: {
      units: [{ name: "a.service", dropins: [{ name: "2.conf" }, { name: "1.conf", contents: "c" }] }],
    },
    passwd: { users: [{ name: "u", groups: ["b", "c"], sshAuthorizedKeys: ["k1", "k2"] }] },
    kernelArguments: { shouldNotExist: ["quiet"] },
  });
  expect(mergeIgnition(parent, child)).toEqual({
    ignition: { version: "3.4.0" },
    systemd: {
      units: [{ name: "a.service", dropins: [{ name: "1.conf", contents: "c" }, { name: "2.conf" }] }],
    },
    passwd: { users: [{ name: "u", groups: ["a", "b", "c"], sshAuthorizedKeys: ["k1", "k2"] }] },
    kernelArguments: { shouldExist: ["splash"], shouldNotExist: ["quiet"] },
  });
});

test("a header without a value takes the parent's away", () => {
  const file = (httpHeaders: { name: string; value?: string }[]) =>
    config({ storage: { files: [{ path: "/a", contents: { source: "http://a/b", httpHeaders } }] } });
  const merged = mergeIgnition(
    file([
      { name: "x", value: "1" },
      { name: "y", value: "2" },
    ]),
    file([{ name: "x" }]),
  );
  expect(merged.storage?.files?.[0]?.contents?.httpHeaders).toEqual([{ name: "y", value: "2" }]);
});

test("neither config is changed", () => {
  const parent = config({ storage: { files: [{ path: "/a", append: [] }] } });
  const before = structuredClone(parent);
  mergeIgnition(parent, config({ storage: { files: [{ path: "/a", append: [{ source: "data:,x" }] }] } }));
  expect(parent).toEqual(before);
});
