import { parseArgs } from "node:util";
import { benchCli } from "./cli.js";
import { benchNetboot, netbootParts } from "./netboot.js";
import { benchSelfhost, selfhostParts } from "./selfhost.js";
import { benchStart } from "./start.js";

const usage = `npm run bench -- start [--json] [--runs N]   slipway against kubeadm, each run a fresh cluster
npm run bench -- cli [--json] [--runs N]     what "slipway version" adds over bare node
npm run bench -- netboot [PART…] [--json] [--runs N]
  the boot server against matchbox and dnsmasq: http, dhcp, tftp, storm, inventory
npm run bench -- selfhost [PART…] [--json] [--runs N]
  a self-hosted control plane: ready (against kubeadm), pivot, reboot, upgrade, scale, recover`;

interface Benchmark {
  run(options: { json: boolean; runs: number | undefined; parts: ReadonlySet<string> }): Promise<void>;
  /** All are run when none is named. */
  parts?: readonly string[];
}

/** Benchmarks by name; figures go to stdout, progress to stderr. */
const benchmarks: Record<string, Benchmark> = {
  start: { run: benchStart },
  cli: { run: benchCli },
  netboot: { run: benchNetboot, parts: netbootParts },
  selfhost: { run: benchSelfhost, parts: selfhostParts },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, runs: { type: "string" } },
});
const [name = "", ...wanted] = positionals;
const benchmark = benchmarks[name];
const parts = benchmark?.parts ?? [];
if (!benchmark || wanted.some((part) => !parts.includes(part))) {
  console.error(usage);
  process.exit(14);
}
await benchmark.run({
  json: values.json,
  runs: values.runs === undefined ? undefined : Number(values.runs),
  parts: new Set(wanted.length === 0 ? parts : wanted),
});
