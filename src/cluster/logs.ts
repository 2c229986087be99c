import type { Context } from "../base/context.js";
import { nodeOf } from "./access.js";
import { hostDriver } from "./driver.js";
import { readProfile } from "./profile.js";
import { clusterUnits, endpointUnits } from "./units.js";

export interface LogOptions {
  /** @default the first node; `all` for every node */
  node?: string;
  /** systemd units, e.g. `kubelet`. @default all of the cluster's */
  units?: string[];
  /** Lines from the end, each node. @default 60 a unit */
  lines?: number;
  follow?: boolean;
  /** Only lines that tell of a problem. */
  problems?: boolean;
  onLine(line: string, node: string): void;
}

/**
 * klog's error and fatal headers, Go panics, and the phrases with which the components give up. Warnings are left out:
 * a healthy cluster has plenty while it starts.
 */
const problem =
  /(\b[EF]\d{4} \d\d:\d\d:\d\d)|panic:|level=(error|fatal)|"level":"(error|fatal)"|\bOOM\b|oom-kill|no space left|Failed with result|command failed/;

/** Hands over the journal of a cluster's nodes, line by line. */
export async function clusterLogs(name: string, options: LogOptions, context: Context): Promise<void> {
  const profile = await readProfile(name, context);
  const nodes =
    options.node === "all" ? profile.spec.nodes.map((node) => node.name) : [nodeOf(profile, options.node)];
  const units = options.units?.length ? options.units : [...clusterUnits, ...endpointUnits];
  const lines = options.lines ?? (options.problems ? 2000 : 60 * units.length);
  const driver = hostDriver(context);
  await Promise.all(
    nodes.map((node) =>
      driver.exec(
        name,
        node,
        [
          "journalctl",
          "--no-pager",
          "--output=short-iso",
          `--lines=${lines}`,
          ...units.map((unit) => `--unit=${unit}`),
          ...(options.follow ? ["--follow"] : []),
        ],
        {
          signal: context.signal,
          onLine: (line, stream) => {
            if (stream === "stdout" && (!options.problems || problem.test(line))) options.onLine(line, node);
          },
        },
      ),
    ),
  );
}
