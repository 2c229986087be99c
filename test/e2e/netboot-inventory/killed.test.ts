import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { loadSnapshot } from "../../../src/netboot/inventory/load.js";
import { slipwayProgram } from "../harness.js";

// What writes an inventory is killed while it writes: what is there is whole, and the next run goes on.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-killed-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs a program and kills it after a while. @returns what it said */
async function killed(args: readonly string[], afterMs: number): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await once(child, "close");
  clearTimeout(timer);
  return said;
}

test("gRPC's puts: whatever was acknowledged is there, and the whole is valid", async () => {
  const program = join(directory, "put.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "put-forever.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
  const lab = join(directory, "lab");
  for (const name of ["groups", "profiles", "ignition"]) await mkdir(join(lab, name), { recursive: true });
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round++) {
    const said = await killed([program, lab, String(round)], 1200 + 237 * round);
    acknowledged.push(...said.split("\n").filter((line) => line.startsWith("put ")));
    const { snapshot, problems } = await loadSnapshot(lab);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    for (const line of acknowledged) {
      const [, id = "", value] = line.split(" ");
      const latest = acknowledged.findLast((other) => other.startsWith(`put ${id} `));
      // One put more may have reached the disk than was told of.
      if (line === latest)
        expect(Number(snapshot!.groupsById.get(id)?.metadata.value)).toBeGreaterThanOrEqual(Number(value));
      expect(snapshot!.profiles.get(id)?.ignitionId).toBe(`${id}.ign`);
    }
  }
  expect(acknowledged.length).toBeGreaterThan(60);
});

test("convert: all of it is there, or nothing; the next run does it", async () => {
  const lab = join(directory, "lab");
  for (const name of ["groups", "profiles", "generic"]) await mkdir(join(lab, name), { recursive: true });
  const count = 400;
  for (let i = 0; i < count; i++) {
    const profile = { id: `p${i}`, boot: { kernel: "k" }, generic_id: `g${i}` };
    await writeFile(join(lab, "profiles", `p${i}.json`), JSON.stringify(profile));
    await writeFile(join(lab, "generic", `g${i}`), `text ${i}\n`);
  }
  await writeFile(join(lab, "groups/all.json"), JSON.stringify({ id: "all", profile: "p0" }));
  const output = join(directory, "converted");
  const args = [slipwayProgram, "netboot", "convert", lab, "--to", "matchbox", output];
  let interrupted = 0;
  // Ever later, until it has come to its end.
  for (let afterMs = 300; ; afterMs = Math.round(afterMs * 1.15)) {
    await killed(args, afterMs);
    const found = await readdir(output).catch(() => undefined);
    if (found === undefined) {
      if ((await readdir(directory)).length > 1) interrupted++;
      continue;
    }
    expect((await readdir(join(output, "profiles"))).length).toBe(count);
    break;
  }
  expect(interrupted).toBeGreaterThan(0);
  const { snapshot } = await loadSnapshot(output);
  expect(snapshot!.profiles.size).toBe(count);
  await rm(output, { recursive: true });
  await run(process.execPath, args);
  expect((await loadSnapshot(output)).snapshot!.profiles.size).toBe(count);
  expect((await readdir(directory)).sort()).toEqual(["converted", "lab"]);
});
