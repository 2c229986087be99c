import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Header } from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import { checkTreeArchive, packTree, unpackTree } from "./tree-archive.js";

const { signal } = new AbortController();
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-tree-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));
const inside = (name: string) => join(directory, name);

const asRoot = test.runIf(process.getuid?.() === 0);

asRoot("a tree comes out as it went in, and twice the same bytes", async () => {
  const tree = inside("tree");
  const script = `mkdir -p usr/bin etc var/mail && cd ${tree}
    echo shell > usr/bin/sh; chmod 4755 usr/bin/sh; chown 0:42 etc; chmod 2750 etc; chown 8:12 var/mail
    ln usr/bin/sh usr/bin/bash; ln -s usr/bin bin; ln -s /etc/alternatives/vi usr/bin/vi; chown -h 7:7 bin
    echo x > "usr/$(printf 'n%.0s' $(seq 120))"; echo é > 'etc/naïve file'; setcap cap_net_raw+ep usr/bin/sh
    touch -d @1000000 usr/bin/sh etc`;
  await mkdir(tree);
  await run("sh", ["-ec", script], { cwd: tree });
  await packTree(tree, inside("one.tar"), signal);
  await run("cat", [join(tree, "usr/bin/sh")]); // read since
  await packTree(tree, inside("two.tar"), signal);
  expect(await readFile(inside("one.tar"))).toEqual(await readFile(inside("two.tar")));
  const copy = inside("copy");
  await mkdir(copy);
  await unpackTree(inside("one.tar"), copy, signal);
  const facts = async (root: string) => {
    const { stdout } = await run("find", [".", "-printf", "%p %y %m %U:%G %n %l %T@\\n"], { cwd: root });
    const { stdout: capabilities } = await run("getcap", ["-r", "."], { cwd: root });
    return [...stdout.split("\n").sort(), capabilities];
  };
  expect(await facts(copy)).toEqual(await facts(tree));
  expect(await readFile(join(copy, "usr/bin/bash"), "utf8")).toBe("shell\n");
  expect(await readlink(join(copy, "usr/bin/vi"))).toBe("/etc/alternatives/vi");
});

asRoot("a tree with a device is not packed", async () => {
  const tree = inside("tree");
  await run("sh", ["-ec", `mkdir ${tree}; mknod ${tree}/null c 1 3`]);
  await expect(packTree(tree, inside("tree.tar"), signal)).rejects.toSatisfy((e) =>
    isSlipwayError(e, "COMPONENT_CORRUPT"),
  );
});

interface Member {
  path: string;
  type?: "File" | "Directory" | "SymbolicLink" | "Link" | "CharacterDevice" | "FIFO";
  linkpath?: string;
}
const dir = (path: string): Member => ({ path, type: "Directory" });
const link = (path: string, linkpath: string): Member => ({ path, type: "SymbolicLink", linkpath });
const hardLink = (path: string, linkpath: string): Member => ({ path, type: "Link", linkpath });

function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.map(({ path, type = "File", linkpath }) => {
    const block = Buffer.alloc(512);
    const header = { path, type, mode: 0o755, uid: 0, gid: 0, size: 0, mtime: new Date(0) };
    new Header({ ...header, ...(linkpath === undefined ? {} : { linkpath }) }).encode(block);
    return block;
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe("refused before anything is unpacked:", () => {
  test.each<[string, string, Member[]]>([
    ["a name that climbs", "no plain name", [dir("./"), { path: "./../evil" }]],
    ["a name that goes down and up", "no plain name", [dir("./"), dir("./a/"), { path: "./a/../../evil" }]],
    ["an absolute name", "no plain name", [dir("./"), { path: "/evil" }]],
    ["a file behind a link", "in no directory", [dir("./"), link("./a", "/tmp"), { path: "./a/evil" }]],
    ["a link in a directory's place", "there twice", [dir("./"), dir("./a/"), link("./a", "/tmp")]],
    ["a file twice", "there twice", [dir("./"), { path: "./a" }, { path: "a" }]],
    ["a link that climbs", "outside of the tree", [dir("./"), dir("./a/"), link("./a/b", "../../evil")]],
    ["a second name for a host's file", "no file of the tree", [dir("./"), hardLink("./a", "/etc/shadow")]],
    ["a second name for what is above", "no file of the tree", [dir("./"), hardLink("./a", "../evil")]],
    ["a second name for a link", "no file of", [dir("./"), link("./a", "/etc"), hardLink("./b", "./a")]],
    ["a name in another way", "no plain name", [dir("./"), dir("./a/"), { path: "./a/./b" }]],
    ["a file without its directory", "in no directory", [dir("./"), { path: "./a/b" }]],
    ["a device", "CharacterDevice", [dir("./"), { path: "./null", type: "CharacterDevice" }]],
    ["a pipe", "FIFO", [dir("./"), { path: "./pipe", type: "FIFO" }]],
    ["a root that is a link", "in no directory", [link("./", "/tmp")]],
    ["nothing at all", "", []],
  ])("%s", async (_, reason, members) => {
    await writeFile(inside("bad.tar"), tarOf(members));
    await mkdir(inside("out"));
    const error = await unpackTree(inside("bad.tar"), inside("out"), signal).catch((e: unknown) => e);
    expect(isSlipwayError(error, "COMPONENT_CORRUPT") && error.message).toContain(reason);
    expect(await readdir(inside("out"))).toEqual([]);
    await expect(lstat(inside("evil"))).rejects.toThrow("ENOENT");
  });
});

test("whatever a checked archive holds, GNU tar writes nothing outside of its directory", async () => {
  const name = fc.array(fc.constantFrom("a", "b", "..", ".", ""), { minLength: 1, maxLength: 4 });
  const path = fc
    .tuple(fc.constantFrom("", "./", "/"), name)
    .map(([start, parts]) => start + parts.join("/"));
  const type = fc.constantFrom("File", "Directory", "SymbolicLink", "Link");
  const member = fc.record({ path, type, linkpath: path }) as fc.Arbitrary<Member>;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 5 }), async (members) => {
      await writeFile(inside("any.tar"), tarOf([dir("./"), ...members.filter(({ path }) => path !== "")]));
      const checked = await checkTreeArchive(inside("any.tar"), signal).then(
        () => true,
        (error: unknown) => !isSlipwayError(error, "COMPONENT_CORRUPT") && Promise.reject(error),
      );
      if (!checked) return;
      accepted += 1;
      await mkdir(inside("box/out"), { recursive: true });
      await run("tar", ["-xf", inside("any.tar"), "-C", inside("box/out")]);
      expect(await readdir(inside("box"))).toEqual(["out"]);
      await rm(inside("box"), { recursive: true });
    }),
    { numRuns: 300 },
  );
  expect(accepted).toBeGreaterThan(20);
});
