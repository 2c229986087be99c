import { readFile } from "node:fs/promises";

/** CPU seconds and resident memory of all processes of a cluster, from its cgroup. */
export interface Usage {
  cpuSeconds: number;
  residentMiB: number;
}

export async function clusterUsage(cluster: string): Promise<Usage> {
  const read = (path: string) => readFile(path, "utf8").catch(() => undefined);
  const unified = await read(`/sys/fs/cgroup/slipway/${cluster}/cpu.stat`);
  if (unified !== undefined) {
    const memory = (await read(`/sys/fs/cgroup/slipway/${cluster}/memory.stat`)) ?? "";
    return { cpuSeconds: field(unified, "usage_usec") / 1e6, residentMiB: field(memory, "anon") / 2 ** 20 };
  }
  const cpu = (await read(`/sys/fs/cgroup/cpuacct/slipway/${cluster}/cpuacct.usage`)) ?? "0";
  const memory = (await read(`/sys/fs/cgroup/memory/slipway/${cluster}/memory.stat`)) ?? "";
  return { cpuSeconds: Number(cpu) / 1e9, residentMiB: field(memory, "total_rss") / 2 ** 20 };
}

const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);

/** Watches the resident memory of a cluster until stopped; gives the highest that it saw. */
export function watchPeak(cluster: string): () => number {
  let peak = 0;
  const timer = setInterval(async () => {
    peak = Math.max(peak, (await clusterUsage(cluster)).residentMiB);
  }, 500);
  return () => {
    clearInterval(timer);
    return Math.round(peak);
  };
}
