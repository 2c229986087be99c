import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { type RunResult, run } from "../../../src/base/run.js";
import { type GrpcServer, startGrpcServer } from "../../../src/netboot/grpc/server.js";
import { InventoryStore } from "../../../src/netboot/inventory/store.js";
import { LiveInventory } from "../../../src/netboot/inventory/watch.js";
import { freePort, peerProgram, RealMatchbox } from "./peers.js";

const directory = await mkdtemp(join(tmpdir(), "slipway-e2e-bootcmd-"));
const pem = (name: string) => join(directory, `${name}.pem`);
let bootcmd: string;
// What did not come up is not there to be taken down.
let matchbox: RealMatchbox | undefined;
let matchboxPort: number;
let live: LiveInventory;
let slipway: GrpcServer;

const openssl = (...args: string[]) => run("openssl", args, { cwd: directory });
const keyArgs = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** With openssl, as matchbox's own documentation makes them. */
async function makeAuthority(name: string): Promise<void> {
  await openssl(
    "req",
    "-x509",
    ...keyArgs,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.pem`,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
}

async function makeCertificate(name: string, authority: string, usage: string): Promise<void> {
  await openssl("req", ...keyArgs, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  await writeFile(join(directory, "extensions"), `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${usage}\n`);
  await openssl(
    ...["x509", "-req", "-in", `${name}.csr`, "-CA", `${authority}.pem`, "-CAkey", `${authority}.key`],
    ...["-CAcreateserial", "-days", "1", "-extfile", "extensions", "-out", `${name}.pem`],
  );
}

beforeAll(async () => {
  await makeAuthority("ca");
  await makeAuthority("other");
  await makeCertificate("server", "ca", "serverAuth");
  await makeCertificate("client", "ca", "clientAuth");
  await makeCertificate("stranger", "other", "clientAuth");
  for (const name of ["ours", "theirs"]) {
    await mkdir(join(directory, name, "profiles"), { recursive: true });
    await place(`${name}/profiles/first.json`, { id: "first", boot: {} });
  }
  bootcmd = await peerProgram("bootcmd");
  matchboxPort = await freePort();
  const key = join(directory, "server.key");
  matchbox = await RealMatchbox.start([
    `-data-path=${join(directory, "theirs")}`,
    "-assets-path=",
    `-rpc-address=127.0.0.1:${matchboxPort}`,
    `-cert-file=${pem("server")}`,
    `-key-file=${key}`,
    `-ca-file=${pem("ca")}`,
  ]);
  live = await LiveInventory.open(join(directory, "ours"), { watch: false });
  slipway = await startGrpcServer({
    address: "127.0.0.1",
    port: 0,
    tls: { certificate: pem("server"), key, ca: pem("ca") },
    store: new InventoryStore(live),
    snapshot: () => live.snapshot,
    clock: systemClock,
  });
}, 30 * 60_000);

afterAll(async () => {
  await slipway?.close(0);
  live?.[Symbol.dispose]();
  await matchbox?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const runBootcmd = (port: number, args: string[], as = "client"): Promise<RunResult> =>
  run(
    bootcmd,
    [
      ...args,
      `--endpoints=127.0.0.1:${port}`,
      `--ca-file=${pem("ca")}`,
      `--cert-file=${pem(as)}`,
      `--key-file=${join(directory, `${as}.key`)}`,
    ],
    { allowFailure: true, timeoutMs: 20_000 },
  );

/** The same of both servers. */
async function both(...args: string[]): Promise<RunResult> {
  const theirs = await runBootcmd(matchboxPort, args);
  const ours = await runBootcmd(slipway.port, args);
  expect(ours).toEqual(theirs);
  return ours;
}

const place = async (name: string, contents: unknown): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, typeof contents === "string" ? contents : JSON.stringify(contents));
  return path;
};

test("bootcmd creates, lists and describes as with matchbox, and the files are the same", async () => {
  const ignition = await place("worker.yaml", "variant: fcos\nversion: 1.5.0\n");
  const raw = await place("raw.ign", '{"ignition":{"version":"3.3.0"}}');
  const generic = await place("setup.tmpl", "hello {{.name}}\n");
  const profile = await place("profile.json", {
    id: "worker",
    name: "A worker",
    boot: { kernel: "/assets/vmlinuz", initrd: ["/assets/initrd"], args: ["console=ttyS0", "quiet"] },
    ignition_id: "worker.yaml",
    generic_id: "setup.tmpl",
  });
  const bare = await place("bare.json", { id: "bare" });
  const group = await place("group.json", {
    id: "node1",
    name: "Node 1",
    profile: "worker",
    selector: { mac: "52-54-00-00-00-01" },
    metadata: { name: "node1" },
  });
  const fallback = await place("fallback.json", { id: "fallback", profile: "bare" });
  for (const args of [
    ["ignition", "create", "-f", ignition],
    ["ignition", "create", "-f", raw],
    ["generic", "create", "-f", generic],
    ["profile", "create", "-f", profile],
    ["profile", "create", "-f", bare],
    ["group", "create", "-f", group],
    ["group", "create", "-f", fallback],
  ]) {
    expect(await both(...args)).toMatchObject({ exitCode: 0, stderr: "" });
  }
  expect((await both("group", "list")).stdout).toContain("52:54:00:00:00:01");
  expect((await both("group", "describe", "node1")).stdout).toContain('{"name":"node1"}');
  expect((await both("profile", "list")).stdout).toContain("A worker");
  expect((await both("profile", "describe", "worker")).stdout).toContain("console=ttyS0");
  await both("group", "describe", "nope");
  for (const file of [
    "groups/node1.json",
    "groups/fallback.json",
    "profiles/worker.json",
    "ignition/worker.yaml",
    "ignition/raw.ign",
    "generic/setup.tmpl",
  ]) {
    const [ours, theirs] = await Promise.all(
      ["ours", "theirs"].map((name) => readFile(join(directory, name, file), "utf8")),
    );
    expect(ours).toBe(theirs);
  }
  expect([...live.snapshot.groupsById.keys()].sort()).toEqual(["fallback", "node1"]);
});

test("what the inventory does not take is refused with the reason, and nothing is written", async () => {
  const broken = await place("broken.ign", '{"ignition":{"version":"9.9.0"}}');
  const refused = await runBootcmd(slipway.port, ["ignition", "create", "-f", broken]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/InvalidArgument.*broken\.ign/);
  await expect(readFile(join(directory, "ours/ignition/broken.ign"))).rejects.toMatchObject({
    code: "ENOENT",
  });
});

test("where we differ: a profile without boot settings does not crash bootcmd", async () => {
  await runBootcmd(matchboxPort, ["profile", "create", "-f", await place("empty.json", { id: "empty" })]);
  await runBootcmd(slipway.port, ["profile", "create", "-f", await place("empty.json", { id: "empty" })]);
  expect((await runBootcmd(matchboxPort, ["profile", "describe", "empty"])).stderr).toContain("panic");
  expect(await runBootcmd(slipway.port, ["profile", "describe", "empty"])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("\nempty\t"),
  });
});

/** `000`: the connection was refused. */
async function httpStatus(as: string | undefined, version: string): Promise<string> {
  const identity = as ? ["--cert", pem(as), "--key", join(directory, `${as}.key`)] : [];
  const { stdout } = await run(
    "curl",
    [
      ...["--silent", "--http2-prior-knowledge", "--max-time", "5", "--cacert", pem("ca"), ...identity],
      ...["--tls-max", version, "--output", "/dev/null", "--write-out", "%{http_code}"],
      `https://127.0.0.1:${slipway.port}/`,
    ],
    { allowFailure: true },
  );
  return stdout;
}

test("who has no certificate of the authority gets nothing", async () => {
  const group = await place("stranger.json", { id: "stranger", profile: "worker" });
  // bootcmd waits for a connection for ever.
  const args = ["group", "create", "-f", group];
  const denied = run(
    "timeout",
    [
      ...["2", bootcmd, ...args, `--endpoints=127.0.0.1:${slipway.port}`, `--ca-file=${pem("ca")}`],
      ...[`--cert-file=${pem("stranger")}`, `--key-file=${join(directory, "stranger.key")}`],
    ],
    { allowFailure: true },
  );
  expect((await denied).exitCode).toBe(124);
  expect(live.snapshot.groupsById.has("stranger")).toBe(false);
  // Who gets in is told in gRPC's way that curl's is no request of it.
  expect(await httpStatus("client", "1.2")).toBe("415");
  expect(await httpStatus("client", "1.3")).toBe("415");
  const nothing = "000";
  expect(await httpStatus("client", "1.1")).toBe(nothing);
  for (const version of ["1.2", "1.3"]) {
    expect(await httpStatus("stranger", version)).toBe(nothing);
    expect(await httpStatus(undefined, version)).toBe(nothing);
  }
  expect((await runBootcmd(slipway.port, ["group", "list"])).exitCode).toBe(0);
});
