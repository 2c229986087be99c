import { readdir, readFile } from "node:fs/promises";
import { run } from "../../../src/base/run.js";
import { bridgeName, linkName } from "../../../src/machines/sandbox/names.js";

/** All that can be seen on the host of a cluster and its machines `one` and `two`. Nothing is left after their deletion. */
export async function remains(cluster: string, stateDirectory: string): Promise<string[]> {
  const names = [bridgeName(cluster), linkName(cluster, "one"), linkName(cluster, "two")];
  const mentions = (text: string) =>
    text
      .split("\n")
      .filter((line) => names.some((name) => line.includes(name)) || line.includes(stateDirectory));
  const output = async (file: string, args: string[]) =>
    (await run(file, args, { allowFailure: true })).stdout;
  const tables = (await output("ip", ["route", "show", "table", "all"]))
    .split("\n")
    .filter((line) => / table 7\d{6}\b/.test(line));
  const rules = await output("ip", ["rule"]);
  return [
    ...mentions(await output("ip", ["-o", "link"])),
    ...mentions(rules),
    ...tables.filter((line) => !rules.includes(/ table (\d+)/.exec(line)![1]!)),
    ...mentions(await output("nft", ["list", "ruleset"])),
    ...mentions(await readFile("/proc/self/mountinfo", "utf8")),
    ...(await output("find", ["/sys/fs/cgroup", "-type", "d", "-path", `*/slipway/${cluster}*`])).split("\n"),
    ...(await readdir("/run/slipway").catch(() => [])).filter((id) => id.startsWith(`${cluster}.`)),
    ...(await output("find", [stateDirectory, "-mindepth", "1"])).split("\n"),
    ...mentions(await output("ps", ["-eo", "args="])),
  ].filter((line) => line !== "");
}
