import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/netboot/observation.js";
import { slipwayProgram } from "../harness.js";
import { type NetbootImage, netbootImage, writeLab } from "./boot-lab.js";
import { LabNetwork } from "./lab-network.js";
import { bootMachine, type Firmware } from "./qemu.js";

const mac = "52:54:00:aa:00:01";
let scratch: string;
let image: NetbootImage;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-power-on-"));
  image = await netbootImage();
}, 30 * 60_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

/** `slipway netboot serve` in the network, and all that it says it saw. */
async function serve(network: LabNetwork, lab: string): Promise<Observation[]> {
  const seen: Observation[] = [];
  const process_ = network.start(process.execPath, [
    slipwayProgram,
    ...["netboot", "serve", lab, "--output", "json", "--state", `${lab}-state`],
  ]);
  let rest = "";
  await new Promise<void>((resolve, reject) => {
    let complaint = "";
    process_.stdout?.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.includes("is served at")) resolve();
        const parsed = JSON.parse(line) as Observation;
        if (parsed.stage) seen.push(parsed);
      }
    });
    process_.stderr?.on("data", (chunk: Buffer) => {
      complaint += chunk;
      if (complaint.includes("is served at")) resolve();
    });
    process_.then(() => reject(new Error(`the server ended: ${complaint}`)), reject);
  });
  return seen;
}

describe.each<[Firmware & string, string]>([["seabios", "ipxe"]])("a machine with %s", (firmware) => {
  test("boots from power-on, applies its config and reports that it is up", async () => {
    await using network = await LabNetwork.create();
    const lab = join(scratch, `lab-${firmware}`);
    await writeLab(lab, network, image, { mode: "dhcp", mac, address: "10.88.0.21" });
    const seen = await serve(network, lab);
    await using machine = await bootMachine({ network, scratch, firmware, mac, memoryMiB: 3072 });
    await machine.waitFor(/booted-52:54:00:aa:00:01 login|slipway: booted/, 280_000);
    await expect
      .poll(() => seen.filter(({ stage }) => stage === "report").map(({ what }) => what), { timeout: 30_000 })
      .toEqual(["initrd", "ignition-fetched", "ignition-applied", "booted"]);
    console.log(seen.map((each) => JSON.stringify(each)).join("\n"));
  }, 320_000);
});
