import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import type { Replay } from "../../../src/netboot/simulate/replay/replay.js";
import { bundle } from "../bundle.js";
import { slipwayProgram } from "../harness.js";
import { realBootFiles } from "../netboot-lab.js";
import { LabNetwork } from "../netboot-qemu/lab-network.js";
import { labFiles, machines, writeFiles } from "./labs.js";
import { comparable, recorded } from "./recorded.js";
import type { Said } from "./words.js";

// What the simulation says is answered, against what `slipway netboot serve` answers to the same bytes on a wire; and a capture of
// that, replayed.

let scratch: string;
let bootFiles: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-simulate-"));
  await bundle(join(import.meta.dirname, "speak.ts"), scratch);
  bootFiles = await realBootFiles();
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

type Firmware = keyof typeof machines;

async function started(process_: ReturnType<LabNetwork["start"]>, pattern: RegExp): Promise<void> {
  let output = "";
  await new Promise<void>((resolve, reject) => {
    for (const stream of [process_.stdout, process_.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk;
        if (pattern.test(output)) resolve();
      });
    }
    process_.then(() => reject(new Error(output)), reject);
  });
}

describe.each(["dhcp", "proxy"] as const)("as %s server", (mode) => {
  test("serve answers on the wire what simulate says, and a capture of it replays the same", async () => {
    const lab = join(scratch, mode);
    await writeFiles(lab, labFiles(mode));
    await using network = await LabNetwork.create();
    const host = await network.addHost("10.88.0.200");
    const capture = join(scratch, `${mode}.pcap`);
    const dump = network.start("tcpdump", ["-i", network.bridge, "-U", "-Z", "root", "-w", capture]);
    await started(dump, /listening on/);
    const serve = network.start(process.execPath, [
      slipwayProgram,
      ...["netboot", "serve", lab, "--state", join(scratch, `${mode}-state`)],
    ]);
    await started(serve, /is served at/);

    for (const firmware of Object.keys(machines) as Firmware[]) {
      const { words, said, simulation } = await recorded(lab, bootFiles, {
        firmware,
        mac: machines[firmware].mac,
      });
      expect(simulation.boots, `${firmware}: ${simulation.end.because}`).toBe(firmware !== "uefi-arm64");
      const { mac, address } = machines[firmware];
      await run("ip", ["-n", host, "address", "flush", "dev", "eth0"]);
      await run("ip", ["-n", host, "link", "set", "eth0", "address", mac]);
      await run("ip", ["-n", host, "address", "add", `${address}/24`, "brd", "+", "dev", "eth0"]);
      await run("ip", ["-n", host, "route", "replace", "255.255.255.255", "dev", "eth0"]);
      const spoken = await run(
        "ip",
        ["netns", "exec", host, process.execPath, join(scratch, "speak.mjs"), network.address, address],
        { input: JSON.stringify(words), timeoutMs: 60_000 },
      );
      const heard = (JSON.parse(spoken.stdout) as Said[]).map(comparable);
      expect(heard, firmware).toEqual(said.map(comparable));
    }

    dump.kill("SIGINT");
    await dump;
    const replayed = await run(process.execPath, [
      slipwayProgram,
      ...["netboot", "simulate", lab, "--pcap", capture, "-o", "json"],
    ]);
    const { exchanges, differing } = JSON.parse(replayed.stdout) as Replay;
    expect(exchanges.filter(({ rows }) => rows.some(({ same }) => !same))).toEqual([]);
    expect(differing).toBe(0);
    const kinds = new Set(exchanges.map(({ protocol }) => protocol));
    expect(kinds).toEqual(
      new Set(mode === "dhcp" ? ["dhcp", "tftp", "http"] : ["dhcp", "proxydhcp", "tftp", "http"]),
    );

    // Another lab answers otherwise, and that is marked.
    const other = join(scratch, `${mode}-other`);
    const files = labFiles(mode);
    await writeFiles(other, {
      ...files,
      "lab.yaml": files["lab.yaml"]!.replaceAll("/assets/kernel", "/assets/vmlinuz"),
    });
    const otherwise = await run(process.execPath, [
      slipwayProgram,
      ...["netboot", "simulate", other, "--pcap", capture, "--mac", machines.bios.mac],
    ]);
    expect(otherwise.stdout).toMatch(/≠ .* 52:54:00:aa:00:01 http GET \/ipxe\?/);
    expect(otherwise.stdout).toMatch(/≠ body \(SHA-256\)/);
    expect(otherwise.stdout).not.toContain(machines.ipxe.mac);
  }, 120_000);
});
