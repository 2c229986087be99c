import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { run, start } from "../../../src/base/run.js";
import { bundle } from "../bundle.js";

let directory: string;
let program: string;
let file: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-kubeconfig-"));
  await chmod(directory, 0o755); // one of the processes is another user
  program = await bundle(join(import.meta.dirname, "kubeconfig-process.ts"), directory);
});
beforeEach(async () => {
  await rm(join(directory, "home"), { recursive: true, force: true });
  file = join(directory, "home", "config");
  await run("mkdir", [join(directory, "home")]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const foreign = `# by hand
apiVersion: v1
kind: Config
clusters:
- name: mine # the only one
  cluster:
    server: https://mine.example
contexts:
- name: mine
  context: {cluster: mine, user: me}
users:
- name: me
  user:
    token: abc
current-context: mine
`;

interface Config {
  clusters: { name: string; cluster: { server: string } }[];
  users: { name: string }[];
  contexts: { name: string }[];
}
const read = async () => parse(await readFile(file, "utf8")) as Config;
const names = (entries: { name: string }[]) => entries.map(({ name }) => name).sort();

/** The file is whole, and what is not ours is as it was. */
async function expectForeignIntact(): Promise<Config> {
  const config = await read();
  expect(config.clusters[0]).toEqual({ name: "mine", cluster: { server: "https://mine.example" } });
  expect(config.contexts[0]).toEqual({ name: "mine", context: { cluster: "mine", user: "me" } });
  expect(config.users[0]).toEqual({ name: "me", user: { token: "abc" } });
  const text = await readFile(file, "utf8");
  expect(text).toContain("# by hand\n");
  expect(text).toContain("- name: mine # the only one\n");
  return config;
}

test("two processes that merge at the same time, 50 times each, lose nothing of each other", async () => {
  await writeFile(file, foreign);
  await Promise.all(["one", "two"].map((profile) => run(process.execPath, [program, file, profile, "50"])));
  const config = await expectForeignIntact();
  expect(names(config.clusters)).toEqual(["mine", "one", "two"]);
  expect(names(config.contexts)).toEqual(["mine", "one", "two"]);
  expect(names(config.users)).toEqual(["me", "one", "two"]);
  const servers = config.clusters.map(({ cluster }) => cluster.server);
  expect(servers.filter((server) => server === "https://127.0.0.1:50")).toHaveLength(2);
});

test("kill -9 at any moment leaves a whole file, and the next run works and cleans up", async () => {
  await writeFile(file, foreign);
  let [killed, merged] = [0, 0];
  for (let i = 0; i < 25; i++) {
    const child = start(process.execPath, [program, file, "one", "1000"]);
    await once(child.stdout!, "data"); // it has begun
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
    child.kill("SIGKILL");
    killed += (await child).signal === "SIGKILL" ? 1 : 0;
    merged += (await expectForeignIntact()).clusters.length > 1 ? 1 : 0;
  }
  expect(killed).toBe(25);
  expect(merged, "killed while it worked, not before").toBeGreaterThan(5);
  await run(process.execPath, [program, file, "two", "1"]);
  await run(process.execPath, [program, file, "one", "1"]);
  expect(names((await expectForeignIntact()).clusters)).toEqual(["mine", "one", "two"]);
  expect((await readdir(join(directory, "home"))).sort()).toEqual([".config.slipway.lock", "config"]);
});

/** Runs a script in a mount namespace of its own: nothing that it mounts is seen outside. */
const inPrivateMounts = (script: string) =>
  run("unshare", ["--mount", "--propagation", "private", "sh", "-euc", script], {
    env: { HOME_DIRECTORY: join(directory, "home"), CONFIG: file, NODE: process.execPath, PROGRAM: program },
    input: foreign,
  });

test("a full disk: an error that says so, and the old file", async () => {
  const { stdout } = await inPrivateMounts(`
    mount -t tmpfs -o size=16k tmpfs "$HOME_DIRECTORY"
    cat >"$CONFIG"
    before=$(sha256sum "$CONFIG")
    head -c 100k /dev/zero >"$HOME_DIRECTORY/filler" 2>/dev/null || true
    if "$NODE" "$PROGRAM" "$CONFIG" one 1; then echo "it worked"; fi
    [ "$before" = "$(sha256sum "$CONFIG")" ] && echo unchanged
    ls -A "$HOME_DIRECTORY"`);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^DISK_FULL: there is no space left to write .*config/);
  expect(lines.slice(1)).toEqual(["unchanged", ".config.slipway.lock", "config", "filler"]);
});

test("a read-only disk", async () => {
  const { stdout } = await inPrivateMounts(`
    cat >"$CONFIG"
    mount --bind "$HOME_DIRECTORY" "$HOME_DIRECTORY"
    mount -o remount,ro,bind "$HOME_DIRECTORY"
    "$NODE" "$PROGRAM" "$CONFIG" one 1 || true`);
  expect(stdout).toMatch(/^STATE_WRITE_FAILED: .*home.*EROFS/);
  expect(await readFile(file, "utf8")).toBe(foreign);
});

test("a directory that belongs to somebody else", async () => {
  await writeFile(file, foreign, { mode: 0o644 });
  const result = await run(
    "setpriv",
    ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, program, file, "one", "1"],
    { allowFailure: true },
  );
  expect(result.stdout).toMatch(/^STATE_WRITE_FAILED: .*EACCES/);
  expect(await readFile(file, "utf8")).toBe(foreign);
});
