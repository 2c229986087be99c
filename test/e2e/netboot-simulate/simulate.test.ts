import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import type { HttpStep, Simulation } from "../../../src/netboot/simulate/story.js";
import { slipwayProgram } from "../harness.js";
import { seedFiles } from "../netboot-inventory/seed-files.js";
import { labFiles, machines, writeFiles } from "./labs.js";

let lab: string;
beforeEach(async () => {
  lab = await mkdtemp(join(tmpdir(), "slipway-lab-"));
});
afterEach(() => rm(lab, { recursive: true, force: true }));

const simulate = (...args: string[]) =>
  run(process.execPath, [slipwayProgram, "netboot", "simulate", lab, ...args], {
    allowFailure: true,
    timeoutMs: 120_000,
    env: { NO_COLOR: "1" },
  });

async function simulated(...args: string[]): Promise<Simulation & { exitCode: number | undefined }> {
  const { stdout, exitCode } = await simulate(...args, "-o", "json");
  return { ...(JSON.parse(stdout) as Simulation), exitCode };
}

const decisions = ({ steps }: Simulation, about: string) =>
  steps.flatMap((step) => ("decisions" in step ? step.decisions : [])).filter((each) => each.about === about);

const asked = ({ steps }: Simulation, path: string) =>
  steps.find((step): step is HttpStep => step.step === "http" && new URL(step.url).pathname === path);

const known = ["--mac", machines.bios.mac];

test("the seed's own Matchbox example boots to its Ignition config, with no network of its own", async () => {
  await writeFiles(lab, seedFiles);
  const simulation = await simulated("--mac", "52:54:00:b2:2f:86");
  expect(simulation.exitCode).toBe(0);
  expect(asked(simulation, "/ignition")).toMatchObject({ status: 200, group: "node1", profile: "worker" });
  expect(simulation.kernel?.args).toContain("coreos.first_boot=yes");
  expect(simulation.ignition?.systemd?.units?.map(({ name }) => name)).toEqual([
    "docker.service",
    "locksmithd.service",
    "kubelet.path",
    "wait-for-dns.service",
  ]);
  const { stdout } = await simulate("--mac", "52:54:00:b2:2f:86");
  expect(stdout).toContain("matchbox.example.com is taken to be this server");
  expect(stdout).toContain("group: node1, as all of its selector matches: mac=52:54:00:b2:2f:86");
  expect(stdout).toMatch(/It boots: .*coreos_production_pxe\.vmlinuz is started/);
});

test("the story has every packet, option, file, script and argument; as data it is the same each time", async () => {
  await writeFiles(lab, labFiles("dhcp"));
  const { stdout, exitCode } = await simulate("--mac", machines["uefi-x64"].mac, "--firmware", "uefi-x64");
  expect(exitCode).toBe(0);
  for (const line of [
    "DHCP DISCOVER of the firmware → port 67: OFFER",
    "93 client architecture      7 (x64 UEFI)",
    "boot file: ipxe.efi, as uefi-x64 (option 93 is 7)",
    "TFTP ipxe.efi from 10.88.0.1",
    "77 user class               iPXE",
    "iPXE HEAD http://10.88.0.1:8080/assets/initrd",
    "ignition.config.url=http://10.88.0.1:8080/ignition?mac=52-54-00-aa-00-02",
    '"source": "data:,booted-52%3A54%3A00%3Aaa%3A00%3A02"',
  ]) {
    expect(stdout).toContain(line);
  }
  const json = (await simulate(...known, "-o", "json")).stdout;
  expect((await simulate(...known, "-o", "json")).stdout).toBe(json);
});

test("UEFI's HTTP boot takes a URL, beside another DHCP server too; UEFI's PXE asks port 4011 there", async () => {
  await writeFiles(lab, labFiles("proxy"));
  const http = await simulated("--mac", machines["uefi-http"].mac, "--firmware", "uefi-http");
  expect(http.exitCode).toBe(0);
  expect(asked(http, "/boot-files/ipxe.efi")).toMatchObject({
    client: "UEFI",
    contentType: "application/efi",
  });
  const pxe = await simulated("--mac", machines["uefi-x64"].mac, "--firmware", "uefi-x64");
  expect(pxe.exitCode).toBe(0);
  expect(pxe.steps.filter((step) => step.step === "dhcp" && step.port === 4011)).toHaveLength(1);
});

test("firmware that there is no iPXE for does not boot, and why is said", async () => {
  await writeFiles(lab, labFiles("dhcp"));
  const { exitCode, end } = await simulated(...known, "--firmware", "uefi-arm64");
  expect(exitCode).toBe(18);
  expect(end).toMatchObject({
    at: "boot file",
    because: expect.stringContaining("bootFiles: { uefi-arm64: ipxe-arm64.efi }"),
  });
});

test.each([
  ["uefi-arm64", "boot/arm64.efi"],
  ["uefi-http-arm64", "http://10.88.0.1:8080/boot-files/boot/arm64.efi"],
  ["uefi-ia32", "snp-ia32.efi"],
] as const)("%s boots by a file of the lab's own", async (firmware, file) => {
  const { "lab.yaml": text, ...files } = labFiles("dhcp");
  const own = { "uefi-arm64": "boot/arm64.efi", "uefi-ia32": "tftp/snp-ia32.efi" };
  await writeFiles(lab, {
    ...files,
    "lab.yaml": JSON.stringify({ ...JSON.parse(text!), bootFiles: own }),
    "boot/arm64.efi": "for arm64",
    "tftp/snp-ia32.efi": "for ia32",
  });
  const { exitCode, end, steps } = await simulated(...known, "--firmware", firmware);
  expect(exitCode, end.because).toBe(0);
  const decisions = steps.flatMap((step) => (step.step === "dhcp" ? step.decisions : []));
  expect(decisions.find(({ about }) => about === "boot file")).toMatchObject({
    chosen: file,
    because: expect.stringMatching(/option 93 is \d+\), as bootFiles in lab.yaml has it$/),
  });
  const fetched = steps.find((step) => step.step === "tftp" || step.step === "http");
  expect(fetched).toMatchObject(
    firmware === "uefi-http-arm64"
      ? { status: 200, url: file, contentType: "application/efi" }
      : { file, bytes: firmware === "uefi-ia32" ? 8 : 9 },
  );
  await rm(join(lab, "boot"), { recursive: true });
  await rm(join(lab, "tftp"), { recursive: true });
  const without = await simulated(...known, "--firmware", firmware);
  expect(without.exitCode).toBe(18);
  expect(without.end.because).toMatch(/bootFiles in lab.yaml names .*, and there is no such file/);
});

test("of tied groups it says which wins, and why the other lost", async () => {
  const group = (id: string, selector: Record<string, string>) =>
    JSON.stringify({ id, profile: "worker", selector });
  await writeFiles(lab, {
    ...seedFiles,
    "groups/a.json": group("a", { mac: "52:54:00:00:00:07", rack: "1" }),
    "groups/b.json": group("b", { mac: "52:54:00:00:00:07", zone: "2" }),
  });
  const tied = await simulated("--mac", "52:54:00:00:00:07", "--label", "rack=1", "--label", "zone=2");
  expect(decisions(tied, "group")[0]).toMatchObject({
    chosen: "b",
    others: expect.arrayContaining([
      { candidate: "a", because: expect.stringContaining("as many labels as b, but") },
      { candidate: "node1", because: "mac is 52:54:00:00:00:07, not 52:54:00:b2:2f:86" },
    ]),
  });
  // Its Ignition request carries no such labels: nothing is for it there.
  expect(tied.end).toMatchObject({ at: "Ignition", because: expect.stringContaining("404") });
});

test("a missing asset: which step, which file, what to do", async () => {
  const { "assets/initrd": _, ...files } = labFiles("dhcp");
  await writeFiles(lab, files);
  const { exitCode, end, boots } = await simulated(...known);
  expect([exitCode, boots]).toEqual([18, false]);
  expect(end.at).toBe("boot script");
  expect(end.because).toMatch(/^http:\/\/10\.88\.0\.1:8080\/ipxe\?.*:3: 404: no such file$/);
  expect(end.fix).toBe("put the file at assets/initrd of the lab, or correct the boot profile");
});

test("a template with a missing key is a 404 that ends Ignition", async () => {
  await writeFiles(lab, { ...labFiles("dhcp"), "worker.bu": "variant: fcos\nversion: {{.fcos_version}}\n" });
  const { exitCode, end } = await simulated(...known);
  expect(exitCode).toBe(18);
  expect(end.at).toBe("Ignition");
  expect(end.because).toMatch(/404: .*worker\.bu:2:\d+: .*"fcos_version"; Ignition gives up/);
});

test("a machine that nobody knows gets the menu; one that waits for approval boots once it has it", async () => {
  const files = labFiles("dhcp");
  await writeFiles(lab, files);
  const unknown = await simulated("--mac", "52:54:00:ff:ff:ff");
  expect(unknown.exitCode).toBe(18);
  expect(unknown.end.fix).toContain("machines: mac 52:54:00:ff:ff:ff");
  expect(unknown.machine.address).toBe("10.88.0.50");

  await writeFiles(lab, {
    "lab.yaml": JSON.stringify({ ...JSON.parse(files["lab.yaml"]!), approve: "manual" }),
  });
  const waits = await simulated(...known);
  expect(waits.exitCode).toBe(18);
  expect(waits.end.because).toContain("the lab approves none by itself");
  expect((await simulated(...known, "--approved")).exitCode).toBe(0);
});

test("a lab with errors, a capture that is none, a MAC that is none", async () => {
  await writeFiles(lab, { "lab.yaml": "kind: Lab\n", "boot.pcap": "no capture at all, but long enough" });
  const broken = await simulate(...known);
  expect(broken.exitCode).toBe(18);
  expect(broken.stderr).toContain("lab.yaml:1");
  await writeFiles(lab, labFiles("dhcp"));
  expect((await simulate("--pcap", join(lab, "boot.pcap"))).stderr).toContain("neither pcap nor pcapng");
  expect((await simulate("--mac", "52:54")).stderr).toContain("is not a MAC address");
  expect((await simulate()).stderr).toContain("needs the machine's MAC address");
});
