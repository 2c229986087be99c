import { parseArgs } from "node:util";
import { benchCli } from "./cli.js";
import { benchNetboot } from "./netboot.js";
import { benchSelfhost } from "./selfhost.js";
import { benchStart } from "./start.js";

const usage = `npm run bench -- start [--json] [--runs N]   slipway against kubeadm, each run a fresh cluster
npm run bench -- cli [--json] [--runs N]     what "slipway version" adds over bare node
npm run bench -- netboot [--json] [--runs N] the boot server against matchbox and dnsmasq
npm run bench -- selfhost [--json] [--runs N] a self-hosted control plane: ready, pivot`;

/** Benchmarks by name; figures go to stdout, progress to stderr. */
const benchmarks: Record<string, (options: { json: boolean; runs: number | undefined }) => Promise<void>> = {
  start: benchStart,
  cli: benchCli,
  netboot: benchNetboot,
  selfhost: benchSelfhost,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, runs: { type: "string" } },
});
const benchmark = benchmarks[positionals[0] ?? ""];
if (!benchmark) {
  console.error(usage);
  process.exit(14);
}
await benchmark({ json: values.json, runs: values.runs === undefined ? undefined : Number(values.runs) });
