import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, round } from "./stats.js";

/** What `slipway version` adds over bare node, the two in turn so that a drifting machine hits both alike. */
export async function benchCli({
  json,
  runs = 40,
}: {
  json: boolean;
  runs: number | undefined;
}): Promise<void> {
  const empty = join(tmpdir(), `slipway-bench-${process.pid}.cjs`);
  writeFileSync(empty, "");
  const time = (args: string[]): number => {
    const started = performance.now();
    const { status } = spawnSync(process.execPath, args, { stdio: "ignore" });
    if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}`);
    return performance.now() - started;
  };
  const version = ["dist/cli/main.js", "version"];
  time([empty]);
  time(version);
  const pairs = Array.from({ length: runs }, () => ({ bare: time([empty]), slipway: time(version) }));
  const addedMs = round(median(pairs.map(({ bare, slipway }) => slipway - bare)), 1);
  const bareMs = round(median(pairs.map(({ bare }) => bare)), 1);
  if (json) console.log(JSON.stringify({ addedMs, bareMs, runs }));
  else
    console.log(`slipway version adds ${addedMs} ms to bare node's ${bareMs} ms (median of ${runs} pairs)`);
}
