import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { clusterKubeconfig } from "../pki/kubeconfig.js";
import { findInKubeconfig, mergeKubeconfig, removeFromKubeconfig } from "./kubeconfig-file.js";

let directory: string;
let config: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-kubeconfig-"));
  config = join(directory, "config");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const ownKubeconfig = (server = "https://10.77.0.2:6443") =>
  clusterKubeconfig({
    cluster: "kubernetes",
    server,
    caPem: "-----BEGIN CERTIFICATE-----\nca\n",
    user: "kubernetes-admin",
    certificatePem: "-----BEGIN CERTIFICATE-----\nadmin\n",
    privateKeyPem: "-----BEGIN PRIVATE KEY-----\nkey\n",
    contextName: "admin",
  }).text;

const merge = (
  paths = [config],
  options: { profile?: string; keepContext?: boolean; server?: string } = {},
) => mergeKubeconfig(paths, ownKubeconfig(options.server), { profile: "demo", ...options });

/** As kubectl writes it, with what a person adds. */
const foreign = `# my clusters
apiVersion: v1
clusters:
- cluster:
    certificate-authority: /etc/ca.crt # kept on disk
    server: https://one.example:443
    x-unknown: 007
  name: one
contexts:
- context:
    cluster: one
    namespace: web
    user: me
  name: one
# the one I work with
current-context: one
kind: Config
preferences:
  colors: true
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      args: ["--quiet", 'x y']
`;

describe("merge", () => {
  test("makes the file, with the directory, readable by nobody else", async () => {
    const path = join(directory, "new", ".kube", "config");
    expect(await merge([path])).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await findInKubeconfig([path], "demo")).toEqual({
      path,
      server: "https://10.77.0.2:6443",
      isCurrent: true,
      isOurs: true,
    });
  });

  test("leaves what is foreign as it was, to the letter, and takes its own away again", async () => {
    await writeFile(config, foreign);
    await merge();
    const merged = await readFile(config, "utf8");
    const foreignLines = foreign.split("\n").filter((line) => line !== "current-context: one");
    const lines = merged.split("\n");
    let from = 0;
    for (const line of foreignLines) {
      from = lines.indexOf(line, from) + 1;
      expect(from, `line in its place: ${line}`).toBeGreaterThan(0);
    }
    expect(merged).toContain("current-context: demo");
    await removeFromKubeconfig([config], "demo");
    expect(await readFile(config, "utf8")).toBe(
      foreign.replace("current-context: one", 'current-context: ""'),
    );
  });

  test("does not write when nothing changes", async () => {
    await merge();
    const before = await stat(config);
    expect(await merge()).toBe(false);
    expect((await stat(config)).ino).toBe(before.ino);
  });

  test("brings its entry up to date and keeps what the user added to it", async () => {
    await merge();
    const text = await readFile(config, "utf8");
    await writeFile(config, text.replace("    user: demo", "    namespace: shop # mine\n    user: demo"));
    expect(await merge([config], { server: "https://10.88.0.2:6443" })).toBe(true);
    const updated = await readFile(config, "utf8");
    expect(updated).toContain("namespace: shop # mine");
    expect(updated).toContain("server: https://10.88.0.2:6443");
    expect(updated.match(/name: demo/g)).toHaveLength(3);
  });

  test("leaves the current context alone when asked to", async () => {
    await writeFile(config, foreign);
    await merge([config], { keepContext: true });
    expect(await readFile(config, "utf8")).toContain("current-context: one");
  });

  test("refuses an entry of its name that it did not make", async () => {
    const text = foreign.replaceAll("name: me", "name: demo");
    await writeFile(config, text);
    await expect(merge()).rejects.toSatisfy((e) => isSlipwayError(e, "KUBECONFIG_CONFLICT"));
    expect(await readFile(config, "utf8")).toBe(text);
    await removeFromKubeconfig([config], "demo");
    expect(await readFile(config, "utf8")).toBe(text);
  });

  test.each(["on", "1e3", "007", "true", "null", "2026-11-20", "a.b-c"])(
    "a profile called %s stays a string to kubectl's YAML 1.1",
    async (profile) => {
      await merge([config], { profile });
      expect((await findInKubeconfig([config], profile))?.isCurrent).toBe(true);
      const text = await readFile(config, "utf8");
      expect(text).toContain(profile === "a.b-c" ? "name: a.b-c" : `name: "${profile}"`);
    },
  );

  test("JSON stays JSON", async () => {
    await writeFile(
      config,
      JSON.stringify({ apiVersion: "v1", kind: "Config", clusters: [], users: null, "current-context": "" }),
    );
    await merge();
    const parsed = JSON.parse(await readFile(config, "utf8")) as { clusters: unknown[] };
    expect(parsed.clusters).toHaveLength(1);
  });

  test("an empty file, and one with comments only, are filled", async () => {
    for (const text of ["", "# mine\n", "null\n", "---\n", "{}"]) {
      await writeFile(config, text);
      await merge();
      expect((await findInKubeconfig([config], "demo"))?.isOurs).toBe(true);
      if (text.startsWith("#")) expect(await readFile(config, "utf8")).toContain("# mine");
    }
  });
});

describe("several files", () => {
  test("a new entry goes to the first that is there, or else to the last", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(directory, name)) as [string, string, string];
    await merge([a, b]);
    expect((await readdir(directory)).filter((name) => !name.startsWith("."))).toEqual(["b"]);
    await writeFile(c, foreign);
    await merge([a, c, b], { profile: "other" });
    expect(await readFile(c, "utf8")).toContain("name: other");
  });

  test("an entry is changed where it is, the current context is set in the first file", async () => {
    const other = join(directory, "other");
    await merge([other], { keepContext: true });
    await writeFile(config, foreign);
    await merge([config, other], { server: "https://10.99.0.2:6443" });
    expect(await readFile(config, "utf8")).toBe(
      foreign.replace("current-context: one", "current-context: demo"),
    );
    expect(await readFile(other, "utf8")).toContain("https://10.99.0.2:6443");
    expect(await findInKubeconfig([config, other], "demo")).toMatchObject({ path: other, isCurrent: true });
  });

  test("removal clears every file", async () => {
    const other = join(directory, "other");
    await merge([config]);
    await merge([other]);
    await removeFromKubeconfig([config, other], "demo");
    for (const path of [config, other]) {
      const text = await readFile(path, "utf8");
      expect(text).not.toContain("demo");
      expect(text).toContain('current-context: ""');
    }
  });

  test("removal makes no file, and leaves another's current context", async () => {
    expect(await removeFromKubeconfig([config], "demo")).toBe(false);
    expect(await readdir(directory)).toEqual([]);
    await writeFile(config, foreign);
    expect(await removeFromKubeconfig([config], "demo")).toBe(false);
    expect(await readFile(config, "utf8")).toBe(foreign);
  });

  test("the same file under two names does not lock itself out", async () => {
    await merge();
    await symlink(config, join(directory, "alias"));
    await merge([config, join(directory, "alias"), config], { profile: "two" });
    expect((await readFile(config, "utf8")).match(/name: two/g)).toHaveLength(3);
  });
});

describe("a file that cannot be used is left as it is", () => {
  test.each([
    ["torn", "apiVersion: v1\nclusters:\n- cluster: {server: 'https://x\n", 4],
    ["not a mapping", "- a\n- b\n", 1],
    ["a list that is none", "clusters: 5\n", 1],
    ["an entry without a name", "users:\n- user: {}\n", 2],
    ["two entries of one name", "users:\n- name: a\n- name: a\n", 3],
    ["something else", "apiVersion: v1\nkind: Pod\n", 2],
    ["two documents", "kind: Config\n---\nkind: Config\n", 2],
    ["a key twice", "users: []\nusers: []\n", 2],
    ["binary", "\u0000\u0001\u0002: [", 1],
  ])("%s", async (_what, text, line) => {
    await writeFile(config, text);
    const failure = await merge().catch((error: unknown) => error);
    expect(isSlipwayError(failure, "KUBECONFIG_INVALID"), String(failure)).toBe(true);
    expect(String(failure)).toContain(`${config}:${line}:`);
    expect(await readFile(config, "utf8")).toBe(text);
    expect(
      (await readdir(directory)).filter((name) => name.endsWith(".lock") && !name.startsWith(".")),
    ).toEqual([]);
  });

  test("its keys are not in the error", async () => {
    await writeFile(config, "users:\n- name: a\n  user: {token: hunter2\n");
    const failure = (await merge().catch((error: unknown) => error)) as Error;
    expect(`${failure.message} ${failure.stack} ${JSON.stringify(failure)}`).not.toContain("hunter2");
  });

  test("a directory", async () => {
    await mkdir(config);
    await expect(merge()).rejects.toSatisfy((e) => isSlipwayError(e, "KUBECONFIG_INVALID"));
  });
});

describe("links and owners", () => {
  test("a link stays a link, and its target is what changes", async () => {
    const target = join(directory, "dotfiles", "kubeconfig");
    await mkdir(join(directory, "dotfiles"));
    await symlink("dotfiles/kubeconfig", config);
    await merge();
    expect(await readFile(target, "utf8")).toContain("name: demo");
    await merge([config], { profile: "two" });
    expect(await readFile(target, "utf8")).toContain("name: two");
  });

  test("a file that was open to others is closed", async () => {
    await writeFile(config, foreign);
    await chmod(config, 0o644);
    await merge();
    expect((await stat(config)).mode & 0o777).toBe(0o600);
  });

  test.skipIf(process.getuid?.() !== 0)("under sudo all of it belongs to the user", async () => {
    const path = join(directory, ".kube", "config");
    const owner = { uid: 1234, gid: 2345 };
    await mergeKubeconfig([path], ownKubeconfig(), { profile: "demo", owner });
    for (const name of [".kube", ".kube/config", ".kube/.config.slipway.lock"])
      expect(await stat(join(directory, name))).toMatchObject(owner);
    await mergeKubeconfig([path], ownKubeconfig(), { profile: "two" });
    expect(await stat(path), "a file keeps its owner").toMatchObject(owner);
  });
});

describe("locks", () => {
  test("kubectl's lock is waited for, and named when it stays", async () => {
    await writeFile(`${config}.lock`, "", { mode: 0 });
    setTimeout(() => rm(`${config}.lock`), 150);
    await merge();
    await writeFile(`${config}.lock`, "", { mode: 0 });
    const failure = await merge([config], { profile: "two" }).catch((error: unknown) => error);
    expect(isSlipwayError(failure, "KUBECONFIG_BUSY") && failure.hint).toContain(`rm ${config}.lock`);
    expect(await readFile(config, "utf8")).not.toContain("two");
  });

  test("what a killed slipway left is taken over: its lock, and its temporary files", async () => {
    await writeFile(`${config}.lock`, "slipway 4711\n");
    await writeFile(join(directory, ".config.0123456789ab.tmp"), "secret");
    await merge();
    expect((await readdir(directory)).sort()).toEqual([".config.slipway.lock", "config"]);
  });
});
