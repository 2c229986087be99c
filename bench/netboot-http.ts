import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.js";
import { run } from "../src/base/run.js";
import { NetbootMetrics } from "../src/netboot/http/metrics.js";
import { RenderedCache } from "../src/netboot/http/rendered.js";
import { startHttpServer } from "../src/netboot/http/server.js";
import { LiveInventory } from "../src/netboot/inventory/watch.js";
import { RealMatchbox } from "../test/e2e/netboot-http/peers.js";
import { macOf } from "./macs.js";
import { round } from "./stats.js";

/** What one server did under load. */
interface Load {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export interface HttpFigures {
  slipway: Load & {
    /** While each machine asked for the first time, one after the other on one connection. */
    firstRequestsPerSecond: number;
  };
  matchbox: Load;
  /** Requests per second, slipway's by matchbox's. */
  ratio: number;
  /** 99th percentiles of latency, matchbox's by slipway's. */
  p99Ratio: number;
}

const groupCounts = [10, 1000, 10_000] as const;
const documents = ["ipxe", "ignition"] as const;
const connections = 8;
const seconds = 6;
/** With so many groups matchbox answers a few requests a second. */
const slowSeconds = 20;

/**
 * `/ipxe` and `/ignition` (a Butane template) for machines picked at random, with so many groups, each for one MAC and
 * with metadata of its own: slipway and the real matchbox in turn, on the same directory, under the same load. Slipway
 * keeps what it made: each machine has asked once before the load begins, and how fast that went is told apart.
 */
export async function benchNetbootHttp(
  tell: (line: string) => void = () => {},
): Promise<Record<string, Record<(typeof documents)[number], HttpFigures>>> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-http-"));
  try {
    await writeFile(join(directory, "load.lua"), loadScript);
    const figures: Awaited<ReturnType<typeof benchNetbootHttp>> = {};
    for (const groups of groupCounts) {
      const data = join(directory, String(groups));
      await writeInventory(data, groups);
      const figuresOf = async (document: (typeof documents)[number]): Promise<HttpFigures> => {
        const theirSeconds = groups >= 10_000 ? slowSeconds : seconds;
        const theirs = await withMatchbox(data, (url) =>
          load(directory, url, document, groups, theirSeconds),
        );
        const ours = await withSlipway(data, async (url) => ({
          firstRequestsPerSecond: await askOnce(url, document, groups),
          ...(await load(directory, url, document, groups, seconds)),
        }));
        const ratio = round(ours.requestsPerSecond / theirs.requestsPerSecond);
        tell(
          `http, ${groups} groups, /${document}: slipway ${ours.requestsPerSecond}/s (p99 ${ours.p99Ms} ms; ` +
            `first ${ours.firstRequestsPerSecond}/s), ` +
            `matchbox ${theirs.requestsPerSecond}/s (p99 ${theirs.p99Ms} ms): ${ratio} ×`,
        );
        return { slipway: ours, matchbox: theirs, ratio, p99Ratio: round(theirs.p99Ms / ours.p99Ms) };
      };
      figures[groups] = { ipxe: await figuresOf("ipxe"), ignition: await figuresOf("ignition") };
      await rm(data, { recursive: true });
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Every machine once. */
async function askOnce(url: string, document: string, groups: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const startedMs = performance.now();
  for (let n = 0; n < groups; n++) {
    const mac = macOf(n).replaceAll(":", "-");
    const asked = get(`${url}/${document}?mac=${mac}&arch=x86_64`, { agent });
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`/${document} for ${mac}: ${response.statusCode}`);
    await once(response.resume(), "end");
  }
  agent.destroy();
  return round(groups / ((performance.now() - startedMs) / 1000), 1);
}

async function load(
  directory: string,
  url: string,
  document: string,
  groups: number,
  forSeconds: number,
): Promise<Load> {
  const wrk = (seconds: number) =>
    run("wrk", [
      "--threads=1",
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      "--timeout=60s",
      `--script=${join(directory, "load.lua")}`,
      url,
      "--",
      document,
      String(groups),
    ]);
  // Both begin warm: matchbox with the files in the kernel's cache, slipway with its code compiled.
  await wrk(2);
  const { stdout } = await wrk(forSeconds);
  const figures = /^figures (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)$/m.exec(stdout);
  if (!figures) throw new Error(`wrk printed no figures: ${stdout}`);
  const [requests, microseconds, p50, p99, errors] = figures.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (requests === 0) throw new Error(`not one request for /${document} was answered in ${forSeconds} s`);
  if (errors > 0) throw new Error(`${errors} of ${requests} requests for /${document} failed`);
  return {
    requestsPerSecond: round(requests / (microseconds / 1e6), 1),
    p50Ms: round(p50 / 1000),
    p99Ms: round(p99 / 1000),
  };
}

/** For wrk, in Lua: asks for the machines' documents at random, and prints what came of it on one line. */
const loadScript = `
local document, groups
function init(args)
  document, groups = args[1], tonumber(args[2])
  math.randomseed(1)
end
function request()
  local n = math.random(0, groups - 1)
  local mac = string.format("52-54-00-%02x-%02x-%02x", math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)
  return wrk.format("GET", "/" .. document .. "?mac=" .. mac .. "&arch=x86_64")
end
function done(summary, latency)
  local e = summary.errors
  print(string.format("figures %d %d %f %f %d", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;

async function writeInventory(directory: string, groups: number): Promise<void> {
  for (const name of ["groups", "profiles", "ignition"])
    await mkdir(join(directory, name), { recursive: true });
  const write = (path: string, value: unknown) => writeFile(join(directory, path), JSON.stringify(value));
  await write("profiles/worker.json", {
    id: "worker",
    name: "Worker",
    boot: {
      kernel: "/assets/fedora-coreos/vmlinuz",
      initrd: ["--name main /assets/fedora-coreos/initramfs.img"],
      args: ["initrd=main", "console=ttyS0", "ignition.firstboot", "ignition.platform.id=metal"],
    },
    ignition_id: "worker.yaml",
  });
  await writeFile(join(directory, "ignition/worker.yaml"), butaneTemplate);
  for (let n = 0; n < groups; n++) {
    await write(`groups/node${n}.json`, {
      id: `node${n}`,
      profile: "worker",
      selector: { mac: macOf(n) },
      metadata: {
        name: `node${n}.example.com`,
        ssh_keys: [`ssh-ed25519 AAAAC3Nza${n} core`],
        etcd: { port: 2379 },
      },
    });
  }
}

/** About what a worker of a cluster has. */
const butaneTemplate = `variant: fcos
version: 1.5.0
passwd:
  users:
    - name: core
      ssh_authorized_keys:
        {{range .ssh_keys}}- {{.}}
        {{end}}
systemd:
  units:
    - name: docker.service
      enabled: true
    - name: kubelet.service
      enabled: true
      contents: |
        [Unit]
        Description=Kubelet
        Wants=rpc-statd.service
        [Service]
        EnvironmentFile=/etc/kubernetes/kubelet.env
        ExecStart=/usr/local/bin/kubelet --hostname-override={{.name}} --node-labels=node.kubernetes.io/worker
        Restart=always
        RestartSec=10
        [Install]
        WantedBy=multi-user.target
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: {{.name}}
    - path: /etc/kubernetes/kubelet.env
      mode: 0644
      contents:
        inline: |
          ETCD_PORT={{.etcd.port}}
          MAC={{.mac}}
          {{if eq .request.query.arch "x86_64"}}ARCH=amd64{{else}}ARCH=arm64{{end}}
    - path: /etc/sysctl.d/reserved.conf
      contents:
        inline: |
          net.ipv4.ip_forward=1
          fs.inotify.max_user_watches=16184
`;

async function withSlipway<T>(data: string, use: (url: string) => Promise<T>): Promise<T> {
  using live = await LiveInventory.open(data, { watch: false });
  const log = await open(join(data, "observations.ndjson"), "a");
  const lines = log.createWriteStream();
  const server = await startHttpServer({
    address: "127.0.0.1",
    port: 0,
    snapshot: () => live.snapshot,
    state: { rendered: new RenderedCache() },
    metrics: new NetbootMetrics(),
    observe: (observation) => lines.write(`${JSON.stringify(observation)}\n`),
    clock: systemClock,
  });
  try {
    return await use(`http://127.0.0.1:${server.port}`);
  } finally {
    await server.close(0);
    await new Promise<void>((resolve) => lines.end(resolve));
  }
}

async function withMatchbox<T>(data: string, use: (url: string) => Promise<T>): Promise<T> {
  await using matchbox = await RealMatchbox.start([`-data-path=${data}`, "-assets-path="]);
  return await use(`http://127.0.0.1:${matchbox.port}`);
}
