import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../src/base/run.js";
import { round } from "./stats.js";
import { writeStormLab } from "./storm/lab.js";
import type { Fate } from "./storm/machine.js";
import { makeNamespaces, nodeOn } from "./storm/namespaces.js";
import type { Tally } from "./storm/patience.js";
import { Serving } from "./storm/server.js";

export interface StormFigures {
  machines: number;
  /** Those that did not get to their report within their ROM's retries. */
  lost: number;
  /** From the first machine's power-on to the last one's report. */
  seconds: number;
  /** Of the server, resident, at its peak. */
  memoryMiB: number;
  /** Packets that machines sent once more, by what they waited for. */
  retransmissions: Tally;
  /** A machine's time from its power-on to its report. */
  p50Seconds: number;
  p99Seconds: number;
}

const machines = 1000;
/** Machines that get power at once do not send their first packet in the same moment. */
const spreadSeconds = 1;

/**
 * A thousand machines, half of them BIOS and half UEFI, that are turned on at once, against one `slipway netboot serve`: the ROM's
 * DHCP and TFTP, iPXE's DHCP, boot script, kernel and initrd, the Ignition config, and the report. Needs root.
 *
 * @param tell told why machines were lost
 */
export async function benchStorm(tell: (line: string) => void): Promise<StormFigures> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-storm-"));
  try {
    await writeStormLab(join(directory, "lab"), machines);
    await using _namespaces = await makeNamespaces();
    await using server = await Serving.start(directory);
    const startedMs = performance.now();
    const [file, args] = nodeOn("client", "dist/bench/storm/client.mjs", [
      String(machines),
      String(spreadSeconds),
    ]);
    const { stdout } = await run(file, args, { timeoutMs: 240_000 });
    const seconds = round((performance.now() - startedMs) / 1000, 1);
    const fates = stdout.split("\n").map((line) => JSON.parse(line) as Fate);
    for (const { mac, lost } of fates.filter((fate) => fate.lost !== undefined)) tell(`${mac}: ${lost}`);
    const retransmissions: Tally = {};
    for (const [what, times] of fates.flatMap((fate) => Object.entries(fate.retransmissions)))
      retransmissions[what] = (retransmissions[what] ?? 0) + times;
    const arrived = fates.filter(({ lost }) => lost === undefined);
    const times = arrived.map((fate) => fate.seconds).sort((a, b) => a - b);
    const quantile = (part: number) => round(times[Math.ceil(times.length * part) - 1] ?? Number.NaN, 1);
    return {
      machines,
      lost: machines - arrived.length,
      seconds,
      memoryMiB: await server.peakMiB(),
      retransmissions,
      p50Seconds: quantile(0.5),
      p99Seconds: quantile(0.99),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
