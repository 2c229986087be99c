import { appendFile, chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunOptions, run } from "../../../src/base/run.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A fresh clone, as a new user has it. */
let checkout: string;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-launcher-"));
  await chmod(directory, 0o755);
  checkout = join(directory, "checkout");
  await run("git", ["clone", "--quiet", "--no-hardlinks", root, checkout]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const slipway = (args: string[], options: RunOptions = {}) =>
  run(join(checkout, "slipway"), args, { timeoutMs: 280_000, cwd: directory, ...options });

/** Puts programs before those of the machine. */
async function fakePath(name: string, programs: Record<string, string>): Promise<string> {
  const bin = join(directory, name);
  await mkdir(bin, { recursive: true });
  for (const [program, body] of Object.entries(programs)) {
    await writeFile(join(bin, program), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  return `${bin}:${process.env.PATH}`;
}

/** Makes a source newer than the build. */
async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(join(checkout, path), now, now);
}

test("a fresh clone sets itself up, says what it does on stderr, and runs", async () => {
  const { stdout, stderr } = await slipway(["version"]);
  expect(stdout).toMatch(/^slipway version: v\d+\.\d+\.\d+$/);
  expect(stderr.split("\n")).toEqual(["slipway: installing npm packages", "slipway: building"]);
});

test("the second call says nothing, and costs next to nothing", async () => {
  const direct: number[] = [];
  const launched: number[] = [];
  const timed = async (times: number[], file: string, args: string[]) => {
    const started = performance.now();
    const { stderr } = await run(file, args);
    times.push(performance.now() - started);
    expect(stderr).toBe("");
  };
  for (let i = 0; i < 15; i++) {
    await timed(direct, process.execPath, [join(checkout, "dist/cli/main.js"), "version"]);
    await timed(launched, join(checkout, "slipway"), ["version"]);
  }
  // The least of each: what the launcher itself costs, whatever else the machine does.
  expect(Math.min(...launched) - Math.min(...direct)).toBeLessThan(15);
});

test("it works from anywhere, also through links", async () => {
  await symlink(join(checkout, "slipway"), join(directory, "absolute"));
  await symlink("absolute", join(directory, "relative"));
  for (const call of ["./relative", "checkout/slipway", join(directory, "absolute")]) {
    const { stdout } = await run("sh", ["-c", `${call} version --short`], { cwd: directory });
    expect(stdout).toMatch(/^v\d/);
  }
  const { stdout } = await run("relative", ["version", "--short"], {
    cwd: "/",
    env: { PATH: `${directory}:${process.env.PATH}` },
  });
  expect(stdout).toMatch(/^v\d/);
});

test("a newer source is built, once, by two at a time", async () => {
  await touch("src/cli/main.ts");
  const both = await Promise.all([slipway(["version"]), slipway(["version"])]);
  for (const { stdout } of both) expect(stdout).toMatch(/^slipway version/);
  const said = both.flatMap(({ stderr }) => stderr.split("\n").filter(Boolean));
  expect(said.filter((line) => line === "slipway: building")).toHaveLength(1);
  expect((await slipway(["version"])).stderr).toBe("");
  expect((await readdir(join(checkout, "dist"))).filter((name) => name.startsWith(".new-"))).toEqual([]);
});

test("a build that fails says where, leaves the old one, and is tried again", async () => {
  await appendFile(join(checkout, "src/cli/main.ts"), "\nthis is no TypeScript(\n");
  const failed = await slipway(["version"], { allowFailure: true });
  expect(failed.exitCode).toBe(30);
  expect(failed.stdout).toBe("");
  expect(failed.stderr).toContain("src/cli/main.ts");
  expect(failed.stderr).toContain("the build failed");
  const skipped = await slipway(["version"], { env: { SLIPWAY_SKIP_SETUP: "1" } });
  expect(skipped.stdout).toMatch(/^slipway version/);
  await run("git", ["-C", checkout, "checkout", "--quiet", "src/cli/main.ts"]);
  expect((await slipway(["version"])).stdout).toMatch(/^slipway version/);
});

test("a node that is too old, or none, is named", async () => {
  await touch("src/cli/main.ts");
  const old = await slipway(["version"], {
    env: { PATH: await fakePath("old-node", { node: "echo 18.19.1" }) },
    allowFailure: true,
  });
  expect(old.exitCode).toBe(35);
  expect(old.stderr).toMatch(
    /^slipway: node is 18\.19\.1; slipway needs 20\.19 or newer {2}\[PROGRAM_NOT_FOUND\]\n {2}try/,
  );
  const none = await run("/bin/sh", [join(checkout, "slipway"), "version"], {
    env: { PATH: join(directory, "nothing") },
    allowFailure: true,
  });
  expect(none.exitCode).toBe(35);
  expect(none.stderr).toMatch(/^slipway: node is not installed/);
});

test("Debian packages are installed by root, and asked for by others", async () => {
  const missing = { "dpkg-query": 'case "$*" in *socat*) exit 1 ;; *) echo installed ;; esac' };
  const log = join(directory, "apt.log");
  const asRoot = await slipway(["status", "-p", "none"], {
    env: {
      PATH: await fakePath("root", { ...missing, "apt-get": `echo "$DEBIAN_FRONTEND $*" >>${log}` }),
      SLIPWAY_HOME: join(directory, "home"),
    },
    allowFailure: true,
  });
  expect(asRoot.stderr).toContain("slipway: installing Debian packages: socat\n");
  const { stdout: calls } = await run("cat", [log]);
  expect(calls.split("\n")[0]).toMatch(/update/);
  expect(calls.split("\n")[1]).toMatch(/^noninteractive install .*socat$/);

  await rm(join(checkout, "dist/.debian"));
  await run("chown", ["-R", "65534:65534", checkout]);
  const asOther = await run(
    "setpriv",
    ["--reuid=65534", "--regid=65534", "--clear-groups", join(checkout, "slipway"), "status"],
    {
      env: { PATH: await fakePath("other", missing) },
      allowFailure: true,
    },
  );
  expect(asOther.exitCode).toBe(37);
  expect(asOther.stderr).toBe(
    "slipway: Debian packages are missing, and only root can install them: socat  [PERMISSION_DENIED]\n" +
      "  try  sudo apt-get install --no-install-recommends socat",
  );
});

test("what root sets up in somebody's checkout belongs to that somebody", async () => {
  await touch("src/cli/main.ts");
  await slipway(["version"]);
  const { stdout } = await run("stat", [
    "-c",
    "%u",
    join(checkout, "dist/.built"),
    join(checkout, "dist/program.js"),
  ]);
  expect(stdout).toBe("65534\n65534");
});
