import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { TestHome } from "../harness.js";

const profile = "faulty";
let home: TestHome;

beforeAll(async () => {
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

const fails = async (args: string[], options: Parameters<TestHome["slipway"]>[1] = {}) => {
  const result = await home.slipway(args, { ...options, allowFailure: true });
  expect(result.exitCode, result.stderr).not.toBe(0);
  return result;
};

test("of two starts at once, both end well or one says who holds the profile", async () => {
  const [a, b] = await Promise.all([
    home.slipway(["start", "-p", profile], { allowFailure: true }),
    home.slipway(["start", "-p", profile], { allowFailure: true }),
  ]);
  expect([a.exitCode, b.exitCode]).toContain(0);
  const refused = [a, b].find(({ exitCode }) => exitCode !== 0);
  if (refused) expect(refused.stderr).toMatch(/in use by process \d+[\s\S]*PROFILE_BUSY/);
});

test("after the machine was switched off, start brings the cluster and its data back", async () => {
  await home.kubectl(profile, ["create", "configmap", "kept", "--from-literal=a=b"]);
  const ca = await home.caFingerprint(profile);
  // What a reboot leaves: no process, no container state in /run, no links of ours.
  await run("runc", ["--root", "/run/slipway", "kill", `${profile}.${profile}`, "KILL"], {
    allowFailure: true,
  });
  const { stdout } = await run("runc", ["--root", "/run/slipway", "list", "-q"]);
  for (const id of stdout.split("\n").filter((id) => id.includes(profile))) {
    await run("runc", ["--root", "/run/slipway", "delete", "--force", id]);
  }
  const { stdout: links } = await run("ip", ["-j", "link"]);
  for (const { ifname } of JSON.parse(links) as { ifname: string }[]) {
    if (ifname.startsWith("slipway-")) await run("ip", ["link", "delete", ifname], { allowFailure: true });
  }
  await home.slipway(["start", "-p", profile]);
  await home.kubectl(profile, ["get", "configmap", "kept"]);
  expect(await home.caFingerprint(profile)).toBe(ca);
});

test("a taken port of the host is named before anything is made", async () => {
  const server = createServer().listen(18090, "127.0.0.1");
  try {
    const { stderr } = await fails(["start", "-p", "ported", "--ports", "18090:30090"]);
    expect(stderr).toContain("18090");
    expect(stderr).toContain("PORT_IN_USE");
    expect((await home.slipway(["profile", "list", "-o", "json"])).stdout).not.toContain("ported");
  } finally {
    server.close();
  }
});

test("a full disk leaves the old state, and the same command works once there is room", async () => {
  const small = join(home.directory, "small");
  await mkdir(small);
  await run("mount", ["-t", "tmpfs", "-o", "size=64k", "slipway-test", small]);
  try {
    await run("dd", ["if=/dev/zero", `of=${small}/fill`, "bs=1k", "count=60"], { allowFailure: true });
    const { stderr } = await fails(["start", "-p", "full"], { env: { XDG_STATE_HOME: small } });
    expect(stderr).toMatch(/DISK_FULL|PREFLIGHT_FAILED/);
  } finally {
    await run("umount", [small]);
  }
});

test("a torn profile is reported, the others go on, and delete removes it", async () => {
  const file = home.profileFile(profile, "cluster.json");
  const whole = await readFile(file, "utf8");
  await truncate(file, 100);
  const { stderr } = await fails(["status", "-p", profile]);
  expect(stderr).toContain("STATE_CORRUPT");
  expect((await home.slipway(["profile", "list"])).stdout).toContain("broken");
  await writeFile(file, whole);
  await home.slipway(["status", "-p", profile]);
});

test("a torn last line of the journal is a point that was not reached", async () => {
  const file = home.profileFile(profile, "journal.ndjson");
  await writeFile(file, `${await readFile(file, "utf8")}{"at":"2026-`);
  await home.slipway(["start", "-p", profile]);
});

test("certificates are renewed under the same authority while the cluster runs", async () => {
  const ca = await home.caFingerprint(profile);
  const certificate = await readFile(home.profileFile(profile, `pki/apiserver/${profile}.crt`), "utf8");
  await home.slipway(["certs", "renew", "-p", profile]);
  expect(await home.caFingerprint(profile)).toBe(ca);
  expect(await readFile(home.profileFile(profile, `pki/apiserver/${profile}.crt`), "utf8")).not.toBe(
    certificate,
  );
  await home.eventually(profile, ["get", "nodes"]);
  const { stdout } = await home.slipway(["certs", "check", "-p", profile]);
  expect(stdout).not.toMatch(/expired|missing|wrong/);
});
