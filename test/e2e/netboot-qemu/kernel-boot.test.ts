import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../bundle.js";
import { type NetbootImage, netbootImage, nodeArguments } from "./boot-lab.js";
import { LabNetwork } from "./lab-network.js";
import { bootMachine } from "./qemu.js";
import type { WebRequest } from "./web-server.js";

const mac = "52:54:00:12:34:56";
const port = 8080;
let scratch: string;
let network: LabNetwork;
let image: NetbootImage;
const requests: WebRequest[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-netboot-"));
  image = await netbootImage();
  network = await LabNetwork.create();
  await startServers();
}, 30 * 60_000);

afterAll(async () => {
  await network?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

/** A DHCP server that boots nobody, and a web server, in the machines' network. */
async function startServers(): Promise<void> {
  const server = await bundle(join(import.meta.dirname, "web-server.ts"), scratch);
  await mkdir(join(scratch, "files"));
  const web = network.start(process.execPath, [
    server,
    network.address,
    String(port),
    join(scratch, "files"),
  ]);
  const listening = new Promise<void>((resolve) => {
    let rest = "";
    web.stdout?.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "listening") resolve();
        else requests.push(JSON.parse(line) as WebRequest);
      }
    });
  });
  await network.startDnsmasq(scratch);
  await listening;
}

const url = (path: string) => `http://${network.address}:${port}/${path}`;
const serve = (name: string, contents: string) => writeFile(join(scratch, "files", name), contents);

/** A machine's boot with a config; `requests` gets what it asked for. */
async function boot(config: object) {
  requests.length = 0;
  await serve("config.ign", JSON.stringify(config));
  return bootMachine({
    network,
    scratch,
    mac,
    memoryMiB: 2048,
    firmware: {
      ...image,
      arguments: nodeArguments(url("config.ign"), url("report?token=1")),
    },
  });
}

const reports = () =>
  requests
    .filter(({ path, method }) => method === "POST" && path === "/report?token=1")
    .map(({ body }) => Object.fromEntries(new URLSearchParams(body)));

const hashOf = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

test("kernel and initrd are what their facts say", async () => {
  expect(await hashOf(image.kernel)).toBe(image.sha256.kernel);
  expect(await hashOf(image.initrd)).toBe(image.sha256.initrd);
  expect(image.components).toMatchObject({ ignition: "v2.24.0", kubelet: expect.any(String) });
});

describe("a machine that boots them", () => {
  test("applies its Ignition config, reports each stage, and comes up with nothing failed", async () => {
    await serve("greeting", "hello from the server\n");
    const look = [
      "id core; stat -c '%%a %%U' /etc/greeting; cat /etc/greeting; hostname; systemctl is-enabled look.service",
      "for dir in / /var/lib/containerd; do findmnt -no FSTYPE $dir; done",
      "cat /sys/fs/cgroup/cgroup.controllers; modprobe -a vxlan nf_tables bridge && echo modules",
      "ip route; cat /home/core/.ssh/authorized_keys.d/ignition; /usr/local/bin/kubelet --version",
    ].join("; ");
    await using machine = await boot({
      ignition: { version: "3.4.0" },
      passwd: { users: [{ name: "core", sshAuthorizedKeys: ["ssh-ed25519 AAAA me"] }] },
      storage: {
        files: [
          { path: "/etc/hostname", mode: 0o644, contents: { source: "data:,worker-1" } },
          { path: "/etc/greeting", mode: 0o600, contents: { source: url("greeting") } },
        ],
      },
      systemd: {
        units: [
          {
            name: "look.service",
            enabled: true,
            contents: `[Service]\nType=oneshot\nExecStart=/bin/sh -c "{ ${look}; } 2>&1 | curl -s --data-binary @- ${url("look")}"\n[Install]\nWantedBy=multi-user.target\n`,
          },
        ],
      },
    });
    await machine.waitFor(/slipway: booted/, 180_000);
    await expect
      .poll(() => reports().map(({ stage }) => stage), { timeout: 30_000 })
      .toEqual(["initrd", "ignition-fetched", "ignition-applied", "booted"]);
    const bootId = reports()[0]?.boot_id;
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    for (const report of reports()) expect(report).toMatchObject({ mac, boot_id: bootId, message: "" });
    const seen = requests.find(({ path }) => path === "/look")?.body;
    expect(seen).toContain("uid=1000(core)");
    expect(seen).toContain("600 root\nhello from the server\nworker-1\nenabled\n");
    expect(seen).toContain("overlay\ntmpfs\n");
    expect(seen).toMatch(/\bcpu\b.*\bmemory\b/);
    expect(seen).toContain("modules\ndefault via 10.88.0.1 dev eth0");
    expect(seen).toContain("ssh-ed25519 AAAA me\n");
    expect(seen).toContain("Kubernetes v1.");
  }, 240_000);

  test("says why when its config cannot be applied, keeps the config to itself, and powers off", async () => {
    await using machine = await boot({
      ignition: { version: "3.4.0" },
      storage: {
        files: [
          { path: "/etc/key", contents: { source: "data:,the-secret-key" } },
          { path: "/etc/absent", contents: { source: url("absent") } },
        ],
      },
    });
    await machine.ended(120_000);
    const console_ = await machine.console();
    expect(console_).toMatch(/slipway: FAILED: ignition files: .*\/etc\/absent/);
    expect(console_).not.toContain("the-secret-key");
    expect(reports().map(({ stage }) => stage)).toEqual(["initrd", "ignition-fetched", "failed"]);
    expect(reports().at(-1)?.message).toMatch(/^ignition files: .*\/etc\/absent/);
  }, 150_000);
});
