import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../../src/base/clock.js";
import { NetbootMetrics } from "../../../src/netboot/http/metrics.js";
import { RenderedCache } from "../../../src/netboot/http/rendered.js";
import {
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from "../../../src/netboot/http/server.js";
import { LiveInventory } from "../../../src/netboot/inventory/watch.js";
import type { Observation } from "../../../src/netboot/observation.js";

const files: Record<string, string | Buffer> = {
  "groups/node1.json": JSON.stringify({
    id: "node1",
    name: "Node 1",
    profile: "worker",
    selector: { mac: "52:54:00:00:00:01" },
    metadata: { name: "node1", port: 1000000 },
  }),
  "groups/raw.json": JSON.stringify({ id: "raw", profile: "raw", selector: { os: "installed" } }),
  "groups/empty.json": JSON.stringify({ id: "empty", profile: "empty", selector: { kind: "empty" } }),
  "groups/lost.json": JSON.stringify({ id: "lost", profile: "lost", selector: { kind: "lost" } }),
  "groups/default.json": JSON.stringify({ id: "default", profile: "worker", metadata: { name: "any" } }),
  "profiles/worker.json": JSON.stringify({
    id: "worker",
    name: "Worker",
    boot: {
      kernel: "/assets/vmlinuz",
      initrd: ["--name main /assets/initrd.gz", "/assets/second"],
      args: ["initrd=main", "ignition.config.url=http://boot.example/ignition?mac=x&uuid=y"],
    },
    ignition_id: "worker.yaml",
    cloud_id: "cloud.yaml",
    generic_id: "hello",
  }),
  "profiles/raw.json": JSON.stringify({
    id: "raw",
    boot: { kernel: "/assets/vmlinuz" },
    ignition_id: "raw.ign",
    cloud_id: "script.sh",
  }),
  "profiles/empty.json": JSON.stringify({ id: "empty", boot: { kernel: "k" } }),
  "ignition/worker.yaml":
    "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/hostname\n      mode: 0644\n      contents:\n        inline: {{.name}}\n",
  "ignition/raw.ign": JSON.stringify({
    ignition: { version: "3.3.0" },
    passwd: { users: [{ name: "core", sshAuthorizedKeys: ["ssh-ed25519 AAAA"] }] },
  }),
  "generic/hello": "hello {{.name}} <{{.request.raw_query}}> {{.port}}\n",
  "cloud/cloud.yaml": "#cloud-config\nhostname: {{.name}}\n",
  "cloud/script.sh": "#!/bin/sh\necho {{.request.query.os}}\n",
  "assets/vmlinuz": Buffer.concat([Buffer.from("MZ"), Buffer.alloc(4094, 0x90)]),
  "assets/text": "0123456789",
  "assets/empty": "",
  "assets/x.json": "{}",
  "assets/a b&<c>.txt": "odd",
  "assets/sub/index.html": "<p>hello",
  "assets/list/one": "1",
  "assets/list/two/deep": "2",
};

/** A matchbox data directory with something of everything. */
export async function makeData(): Promise<{ directory: string; assets: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-e2e-http-"));
  for (const [path, contents] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), contents);
  }
  const assets = join(directory, "assets");
  await utimes(join(assets, "text"), 1_600_000_000, 1_600_000_000);
  await symlink("text", join(assets, "link"));
  await symlink("/etc/hostname", join(assets, "out"));
  return {
    directory,
    assets,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Our server on such a directory, and what it saw. */
export async function serve(
  directory: string,
  options: Partial<HttpServerOptions> = {},
): Promise<{ server: HttpServer; seen: Observation[]; live: LiveInventory } & AsyncDisposable> {
  const live = await LiveInventory.open(directory, { watch: false });
  const seen: Observation[] = [];
  const server = await startHttpServer({
    address: "127.0.0.1",
    port: 0,
    snapshot: () => live.snapshot,
    state: { rendered: new RenderedCache() },
    metrics: new NetbootMetrics(),
    observe: (observation) => seen.push(observation),
    clock: systemClock,
    ...options,
  });
  return {
    server,
    seen,
    live,
    async [Symbol.asyncDispose]() {
      await server.close(0);
      live[Symbol.dispose]();
    },
  };
}
