import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunOptions, run, start } from "../../../src/base/run.js";
import { slipwayProgram } from "../harness.js";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slipway-cli-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const environment = () => ({ SLIPWAY_HOME: home, KUBECONFIG: join(home, "kubeconfig"), NO_COLOR: "1" });

const slipway = (args: string[], options: RunOptions = {}) =>
  run(process.execPath, [slipwayProgram, ...args], {
    allowFailure: true,
    timeoutMs: 60_000,
    ...options,
    env: { ...environment(), ...options.env },
  });

test.each([
  [["version"], 0],
  [["--version"], 0],
  [[], 0],
  [["frobnicate"], 14],
  [["start", "--nods=3"], 14],
  [["start", "-f", "/no/such/file.yaml"], 18],
  [["status"], 15],
  [["config", "get", "memory"], 14],
  [["components", "fetch", "etdc"], 45],
  [["delete"], 0],
])("slipway %j ends with %i; data on stdout, errors on stderr", async (args, exitCode) => {
  const result = await slipway(args);
  expect(result.exitCode).toBe(exitCode);
  if (exitCode === 0) expect(result.stderr).not.toContain("[");
  else {
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^slipway: .+ {2}\[[A-Z_]+\]/);
  }
});

test("the fast path and the full one say the same", async () => {
  expect((await slipway(["version"])).stdout).toBe((await slipway(["version", "--no-color"])).stdout);
  expect((await slipway(["--help"])).stdout).toBe((await slipway(["--no-color", "--help"])).stdout);
});

test("with -o json an error is the last CloudEvent, and stdout has nothing else", async () => {
  const { stdout, stderr, exitCode } = await slipway(["stop", "-p", "none", "-o", "json"]);
  expect(exitCode).toBe(15);
  expect(stderr).toBe("");
  const events = stdout.split("\n").map((line) => JSON.parse(line));
  expect(events.at(-1)).toMatchObject({
    specversion: "1.0",
    type: "dev.slipway.error",
    source: "/slipway/stop",
    data: { code: "PROFILE_NOT_FOUND", exitCode: 15 },
  });
});

test("the plan goes to stdout as one document, and nothing is written", async () => {
  const { stdout, exitCode } = await slipway(["start", "--dry-run", "-o", "json", "--nodes", "2"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ kind: "ClusterPlan", nodes: [{}, {}] });
  expect((await slipway(["profile", "list", "-o", "json"])).stdout).toBe("[]");
});

test("settings are what start takes when a flag is not given", async () => {
  await slipway(["config", "set", "nodes", "3"]);
  const nodesOf = async (...args: string[]) =>
    JSON.parse((await slipway(["start", "--dry-run", "-o", "json", ...args])).stdout).nodes.length;
  expect(await nodesOf()).toBe(3);
  expect(await nodesOf("--nodes", "2")).toBe(2);
  await slipway(["config", "unset", "nodes"]);
  expect(await nodesOf()).toBe(1);
});

test("a reader that goes away ends it quietly", async () => {
  const command = `${process.execPath} ${slipwayProgram} start --dry-run -o json | head -c 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await run("bash", ["-c", command], { env: environment() });
  expect(stdout).toBe("{0");
  expect(stderr).toBe("");
});

test("what nobody foresaw leaves a report, and says where", async () => {
  const other = join(home, "other");
  await mkdir(join(other, "config/config.json"), { recursive: true }); // a directory where a file belongs
  const { stderr, exitCode } = await slipway(["config", "view"], { env: { SLIPWAY_HOME: other } });
  expect(exitCode).toBe(10);
  const report = join(other, "state/last-bug.txt");
  expect(stderr).toMatch(/^slipway: EISDIR.* {2}\[INTERNAL\]\n {2}stack/);
  expect(stderr).toContain(`  report  ${report}`);
  expect(await readFile(report, "utf8")).toMatch(/^slipway v.*\n.* slipway config view\n/);
});

test("the first interrupt stops the work, and the state is as before", async () => {
  const server = createServer(() => {}); // never answers
  await once(server.listen(0, "127.0.0.1"), "listening");
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const requested = once(server, "request");
    const child = start(
      process.execPath,
      [slipwayProgram, "components", "fetch", "kubectl", "--binary-mirror", mirror],
      { env: environment() },
    );
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await requested;
    child.kill("SIGINT");
    const { exitCode } = await child;
    expect(exitCode).toBe(130);
    expect(said).toContain("stopping…\n");
    expect(said).toContain("slipway: interrupted by SIGINT  [INTERRUPTED]");
    const list = JSON.parse((await slipway(["components", "list", "-o", "json"])).stdout);
    expect(list.filter(({ stored }: { stored: boolean }) => stored)).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a torn settings file is named", async () => {
  await slipway(["config", "set", "nodes", "3"]);
  const path = join(home, "config/config.json");
  const whole = await readFile(path, "utf8");
  await run("truncate", ["-s", "5", path]);
  const { exitCode, stderr } = await slipway(["start", "--dry-run"]);
  expect(exitCode).toBe(18);
  expect(stderr).toContain(path);
  expect(whole).toContain("nodes");
  await rm(path);
});
