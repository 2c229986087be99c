import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { round } from "./stats.js";
import { serverAddress, writeStormLab } from "./storm/lab.js";
import { makeNamespaces, nodeOn } from "./storm/namespaces.js";
import type { Waits } from "./storm/prober.js";
import { Serving } from "./storm/server.js";

export interface InventoryFigures {
  machines: number;
  /** From the server's start until it serves. */
  loadSeconds: number;
  /** From the change of the file until it serves. */
  reloadSeconds: number;
  /** The longest that a client waited for an answer, by DHCP (four packets) or HTTP, during the reload. */
  reloadStallMs: number;
  /** Answers that clients had during the reload. */
  answers: number;
  /** Of the server, resident, at its peak: until it served, and with the reload, when there are two inventories for a while. */
  loadPeakMiB: number;
  peakMiB: number;
}

const machines = 100_000;

/**
 * A lab.yaml of a hundred thousand machines: how long a `slipway netboot serve` takes to load it, and what clients see of its
 * reload when a line changes. Needs root.
 */
export async function benchInventory(): Promise<InventoryFigures> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-inventory-"));
  try {
    const lab = join(directory, "lab");
    await writeStormLab(lab, machines);
    await using _namespaces = await makeNamespaces();
    await using server = await Serving.start(directory);
    const loadPeakMiB = await server.peakMiB();
    const { reloadSeconds, dhcp, http } = await probed(() => reload(join(lab, "lab.yaml"), server));
    return {
      machines,
      loadSeconds: round(server.loadSeconds, 1),
      reloadSeconds,
      reloadStallMs: Math.round(Math.max(dhcp.longestMs, http.longestMs)),
      answers: dhcp.answers + http.answers,
      loadPeakMiB,
      peakMiB: await server.peakMiB(),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Changes a line, and gives the seconds until it serves. */
async function reload(file: string, server: Serving): Promise<{ reloadSeconds: number }> {
  const text = await readFile(file, "utf8");
  const startedMs = performance.now();
  await writeFile(`${file}.tmp`, text.replace("rack: r0", "rack: changed"));
  await rename(`${file}.tmp`, file);
  await server.reloaded();
  return { reloadSeconds: round((performance.now() - startedMs) / 1000, 1) };
}

/** What happens, and how long clients waited meanwhile. */
async function probed<T>(happen: () => Promise<T>): Promise<T & { dhcp: Waits; http: Waits }> {
  const [file, args] = nodeOn("client", "dist/bench/storm/prober.mjs", [`http://${serverAddress}:8080`]);
  const prober = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  const fell = once(prober, "exit").then(([exitCode]) => {
    throw new Error(`the client of the inventory's benchmark ended with ${exitCode}`);
  });
  const said = async () => String((await Promise.race([once(prober.stdout, "data"), fell]))[0]);
  try {
    await said(); // it is ready
    const happened = await happen();
    prober.kill("SIGTERM");
    return { ...happened, ...(JSON.parse(await said()) as { dhcp: Waits; http: Waits }) };
  } finally {
    fell.catch(() => {}); // as it is told to
    prober.kill("SIGKILL");
  }
}
