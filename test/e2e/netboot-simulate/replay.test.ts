import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run, start } from "../../../src/base/run.js";
import type { Replay } from "../../../src/netboot/simulate/replay/replay.js";
import { slipwayProgram } from "../harness.js";
import { freePort } from "../netboot-http/peers.js";
import { realBootFiles } from "../netboot-lab.js";
import { captureOf } from "./capture-file.js";
import { labFiles, machines, writeFiles } from "./labs.js";
import { comparable, recorded } from "./recorded.js";
import type { Said, Word } from "./words.js";

let scratch: string;
let bootFiles: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-simulate-"));
  bootFiles = await realBootFiles();
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const firmwares = Object.keys(machines) as (keyof typeof machines)[];

const simulate = async (...args: string[]) =>
  (await run(process.execPath, [slipwayProgram, "netboot", "simulate", ...args], { env: { NO_COLOR: "1" } }))
    .stdout;

test.each(["dhcp", "proxy"] as const)(
  "a capture of a %s lab replays the same; in another lab what differs is marked",
  async (mode) => {
    const lab = join(scratch, mode);
    await writeFiles(lab, labFiles(mode));
    for (const firmware of firmwares) {
      const { mac, address } = machines[firmware];
      const { words, said } = await recorded(lab, bootFiles, { firmware, mac });
      const capture = join(scratch, `${mode}-${firmware}.pcap`);
      await writeFile(capture, captureOf(words, said, mac, address));

      const same: Replay = JSON.parse(await simulate(lab, "--pcap", capture, "-o", "json"));
      expect(same.exchanges).toHaveLength(words.length);
      expect(same.exchanges.flatMap(({ rows }) => rows.filter((row) => !row.same))).toEqual([]);
      expect(same.differing).toBe(0);
      expect(new Set(same.exchanges.map(({ client }) => client))).toEqual(new Set([mac]));
    }

    const other = join(scratch, `${mode}-other`);
    const changed = JSON.parse(labFiles(mode)["lab.yaml"]!);
    changed.networks[0].address = "10.88.0.2";
    await writeFiles(other, { ...labFiles(mode), "lab.yaml": JSON.stringify(changed) });
    const capture = join(scratch, `${mode}-bios.pcap`);
    const text = await simulate(other, "--pcap", capture, "--mac", machines.bios.mac);
    expect(text).toMatch(/≠ 54 server identifier +here 10\.88\.0\.2 +capture 10\.88\.0\.1/);
    expect(text).toMatch(/= .* tftp read undionly\.kpxe tsize=0 blksize=1468/);
    // Its requests take this lab's offers, so that there is an answer to compare.
    if (mode === "dhcp") expect(text).toMatch(/takes this lab's offer[\s\S]*answer +ACK/);
    expect(await simulate(other, "--pcap", capture, "--mac", machines.ipxe.mac)).toContain("none of");
  },
);

test("HTTP is answered by serve, on a socket, as simulate says", async () => {
  const port = await freePort();
  const lab = join(scratch, "http");
  const { networks: _, ...described } = JSON.parse(labFiles("dhcp")["lab.yaml"]!);
  described.http = { port };
  for (const machine of described.machines) delete machine.address;
  const url = /http:\/\/10.88.0.1:8080/g;
  const text = JSON.stringify(described).replace(url, `http://127.0.0.1:${port}`);
  await writeFiles(lab, { ...labFiles("dhcp"), "lab.yaml": text });
  const serve = start(process.execPath, [
    slipwayProgram,
    ...["netboot", "serve", lab, "--address", "127.0.0.1", "--state", join(scratch, "http-state")],
  ]);
  try {
    let complaint = "";
    for await (const chunk of serve.stderr!) {
      complaint += String(chunk);
      if (complaint.includes("is served at")) break;
    }
    expect(complaint).toContain(`127.0.0.1:${port}`);
    for (const firmware of firmwares) {
      const { words, said, simulation } = await recorded(lab, bootFiles, {
        firmware,
        mac: machines[firmware].mac,
      });
      expect(simulation.boots, simulation.end.because).toBe(true);
      expect(words.map(({ protocol }) => protocol)).toEqual(Array(5).fill("http"));
      for (const [i, word] of words.entries()) {
        expect(comparable(await spoken(word, port)), JSON.stringify(word)).toEqual(comparable(said[i]));
      }
    }
  } finally {
    serve.kill("SIGTERM");
    await serve;
  }
});

async function spoken(word: Word, port: number): Promise<Said> {
  if (word.protocol !== "http") throw new Error("HTTP alone is spoken here");
  const { method, target, headers } = word;
  const asked = request({ host: "127.0.0.1", port, method, path: target, headers, agent: false });
  asked.end();
  const [answer] = await once(asked, "response");
  const body = await buffer(answer);
  return { status: answer.statusCode, headers: answer.headers, body: body.toString("base64") };
}
