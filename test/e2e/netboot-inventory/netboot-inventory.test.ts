import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { parseIgnition } from "../../../src/ignition/parse.js";
import { loadSnapshot } from "../../../src/netboot/inventory/load.js";
import { renderDocument } from "../../../src/netboot/render/documents.js";
import { slipwayProgram } from "../harness.js";
import { seedCommandLine, seedFiles } from "./seed-files.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-lab-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

const slipway = (...args: string[]) =>
  run(process.execPath, [slipwayProgram, "netboot", ...args], {
    cwd: directory,
    allowFailure: true,
    timeoutMs: 120_000,
    env: { SLIPWAY_HOME: join(directory, ".home"), NO_COLOR: "1" },
  });

const inFolder = (folder: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));

test("the seed's own files give a valid Ignition 3.4 config, with what was converted by name", async () => {
  await write(inFolder("lab", seedFiles));
  const linted = await slipway("lint", "lab");
  expect(linted.exitCode).toBe(0);
  expect(linted.stdout).toContain("warning lab/ignition/worker.yaml:");
  expect(linted.stdout).toContain("it is read as a Container Linux Config");
  expect(linted.stdout).toContain("docker.service: enable is now called enabled");
  expect((await slipway("lint", "lab", "--strict")).exitCode).toBe(18);

  const { snapshot } = await loadSnapshot(join(directory, "lab"));
  const labels = { mac: "52:54:00:b2:2f:86" };
  const document = renderDocument("ignition", { labels, rawQuery: "" }, snapshot!);
  expect(document.status).toBe(200);
  const text = document.status === 200 ? document.body.toString() : "";
  const { config, problems } = parseIgnition(text, "worker.ign");
  expect(problems).toEqual([]);
  expect(config?.ignition.version).toBe("3.4.0");
  expect(config?.systemd?.units?.map(({ name, enabled, mask }) => [name, enabled, mask])).toEqual([
    ["docker.service", true, undefined],
    ["locksmithd.service", undefined, true],
    ["kubelet.path", true, undefined],
    ["wait-for-dns.service", true, undefined],
  ]);
});

test("lint tells machines what it tells people, and by its exit code", async () => {
  await write(inFolder("lab", { ...seedFiles, "groups/x.json": '{\n  "profile": "workers"\n}' }));
  const { exitCode, stdout, stderr } = await slipway("lint", "lab", "-o", "json");
  expect(exitCode).toBe(18);
  expect(stderr).toBe("");
  const { errors, warnings, problems } = JSON.parse(stdout);
  expect(errors).toBe(1);
  expect(warnings).toBe(4);
  expect(problems).toContainEqual({
    severity: "error",
    check: "unknown-reference",
    place: { file: "lab/groups/x.json", line: 2, column: 3 },
    path: "profile",
    message: "there is no boot profile workers, did you mean worker?",
  });
  expect((await slipway("lint", "none")).stderr).toContain("none: there is no such directory");
});

test("the seed's dnsmasq flags become a lab.yaml that is valid beside its files", async () => {
  const imported = await slipway("import-dnsmasq", "--", ...seedCommandLine);
  expect(imported.exitCode).toBe(0);
  expect(imported.stderr).toContain(
    "built in now: --dhcp-boot=tag:bios,undionly.kpxe: slipway gives BIOS the iPXE that fits",
  );
  expect(imported.stderr).toContain("not carried over: dnsmasq asks the servers of /etc/resolv.conf");
  expect(imported.stderr).toContain("machines can resolve matchbox.example.com");
  await write(inFolder("lab", { ...seedFiles, "lab.yaml": imported.stdout }));
  const { snapshot } = await loadSnapshot(join(directory, "lab"));
  expect(snapshot?.networks).toMatchObject([
    {
      address: "192.168.1.2",
      subnet: "192.168.1.0/24",
      mode: "dhcp",
      range: { first: "192.168.1.3", last: "192.168.1.254" },
      router: "192.168.1.2",
    },
  ]);
  expect(snapshot?.dns.records).toEqual([{ name: "matchbox.example", addresses: ["192.168.1.2"] }]);
  expect(snapshot?.settings.http).toEqual({ url: "http://matchbox.example.com:8080", port: 8080 });
  expect((await slipway("lint", "lab")).exitCode).toBe(0);
});

test("there and back: the same files for matchbox, and nothing changes for any machine", async () => {
  await write(inFolder("data", seedFiles));
  const toLab = await slipway("convert", "data", "lab", "--to", "lab");
  expect(toLab.stderr).toContain("2 files in lab");
  expect(await readdir(join(directory, "lab"))).toEqual(["ignition", "lab.yaml"]);
  const same = await slipway("diff", "data", "lab", "--exit-code");
  expect(same.stdout).toBe("nothing changes for any of 1 machines and groups");
  expect(same.exitCode).toBe(0);
  await slipway("convert", "lab", "back", "--to", "matchbox");
  for (const path of ["groups/node1.json", "profiles/worker.json"]) {
    const [before, after] = await Promise.all(
      ["data", "back"].map((form) => readFile(join(directory, form, path), "utf8")),
    );
    expect(JSON.parse(after!)).toEqual(JSON.parse(before!));
  }
  const again = await slipway("convert", "data", "lab", "--to", "lab");
  expect(again.exitCode).toBe(18);
  expect(again.stderr).toContain("the directory is not empty");
});

test("diff says which machines a change touches, and how", async () => {
  await write({
    ...inFolder("old", seedFiles),
    ...inFolder("new", {
      ...seedFiles,
      "profiles/worker.json": seedFiles["profiles/worker.json"]!.replace("console=tty0", "console=tty1"),
      "ignition/worker.yaml": seedFiles["ignition/worker.yaml"]!.replace("sleep 1", "sleep 2"),
    }),
  });
  const { exitCode, stdout } = await slipway("diff", "old", "new", "--exit-code");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("group node1\n");
  expect(stdout).toContain("- console=tty0");
  expect(stdout).toContain("+ console=tty1");
  expect(stdout).toContain("~ ignition.systemd.units[wait-for-dns.service].contents:");
  expect(stdout).toContain("1 of 1 machines and groups get something else");
  expect(JSON.parse((await slipway("diff", "old", "new", "-o", "json")).stdout)).toMatchObject({
    compared: 1,
    touched: [{ who: ["group node1"] }],
  });
});

test("ten thousand groups", async () => {
  const groups = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => {
      const mac = `52:54:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`;
      return [`groups/g${i}.json`, JSON.stringify({ profile: "worker", selector: { mac }, metadata: { i } })];
    }),
  );
  await write(inFolder("lab", { ...seedFiles, ...groups }));
  const before = performance.now();
  const { snapshot } = await loadSnapshot(join(directory, "lab"));
  const loadSeconds = (performance.now() - before) / 1000;
  expect(snapshot?.groupsById.size).toBe(10_001);
  const linted = await slipway("lint", "lab", "-o", "json");
  const lintSeconds = (performance.now() - before) / 1000 - loadSeconds;
  expect(JSON.parse(linted.stdout)).toMatchObject({ errors: 0, warnings: 4 });
  process.stdout.write(
    `10,001 groups: loaded in ${loadSeconds.toFixed(1)} s, linted in ${lintSeconds.toFixed(1)} s\n`,
  );
});
