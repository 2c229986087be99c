import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab, realBootFiles, type Serving } from "../netboot-lab.js";
import { LabNetwork } from "./lab-network.js";
import { bootMachine } from "./qemu.js";
import { biosDisk, biosProgram, uefiDisk } from "./tiny-programs.js";

// What real iPXE makes of each script that the server has besides the boot profile's. Machines boot side by side: what they boot
// is a program that says one word on the serial console.

const machines = {
  installed: { mac: "52:54:00:bb:00:01", profile: "installer" },
  "installed-uefi": { mac: "52:54:00:bb:00:02", profile: "installer" },
  waiting: { mac: "52:54:00:bb:00:03", profile: "worker" },
  retired: { mac: "52:54:00:bb:00:04", profile: "worker" },
  incomplete: { mac: "52:54:00:bb:00:05", profile: "incomplete" },
  "incomplete-uefi": { mac: "52:54:00:bb:00:06", profile: "incomplete" },
} as const;
type Name = keyof typeof machines;

const strangers = { chosen: "52:54:00:bb:00:11", alone: "52:54:00:bb:00:12" } as const;

let scratch: string;
let network: LabNetwork;
let lab: Lab;
let server: Serving;

const addressOf = (name: Name) => network.addressOf(20 + Number(machines[name].mac.slice(-2)));

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-scripts-"));
  await realBootFiles();
  network = await LabNetwork.create();
  lab = await Lab.create({
    networks: [network.inLab("dhcp")],
    approve: "manual",
    machines: Object.entries(machines).map(([name, machine]) => ({
      name,
      ...machine,
      address: addressOf(name as Name),
    })),
    groups: [{ id: "rest", profile: "worker" }],
    profiles: [
      { id: "installer", kernel: "/assets/installer", install: "once" },
      { id: "worker", kernel: "/assets/worker" },
      { id: "incomplete", kernel: "/assets/absent" },
    ],
  });
  await writeFile(join(lab.assets, "installer"), biosProgram("INSTALLER RUNS"));
  await writeFile(join(lab.assets, "worker"), biosProgram("WORKER RUNS"));
  server = await lab.serve({ startProgram: network.startProgram });
}, 60_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
  await network?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

let disks = 0;
async function powerOn(mac: string, firmware: "seabios" | "ovmf-pxe" = "seabios") {
  const disk = await (firmware === "seabios" ? biosDisk : uefiDisk)(
    join(scratch, `disk${++disks}`),
    "DISK RUNS",
  );
  const memoryMiB = firmware === "seabios" ? 64 : 256;
  return bootMachine({ network, scratch, firmware, mac, memoryMiB, cpus: 1, disk });
}

/** A machine of the lab boots, seen from its address. */
async function asMachine(name: Name, ...curl: string[]) {
  const host = await network.addHost(addressOf(name));
  const asked = network.start("curl", ["--silent", "--fail", ...curl], { host });
  let body = "";
  asked.stdout?.on("data", (chunk: Buffer) => {
    body += chunk;
  });
  const { exitCode } = await asked;
  expect(exitCode).toBe(0);
  await network.removeHost(addressOf(name));
  return body;
}

const report = (name: Name, stage: string) =>
  asMachine(name, "-d", `mac=${machines[name].mac}&stage=${stage}`, `${network.url}/report`);

/** How each of its boots ended as the server saw it: the last step, and what it got there. */
const ends = (shown: Awaited<ReturnType<Lab["show"]>>) =>
  shown.timeline!.boots.map(({ parts }) => {
    const { step, observations } = parts.findLast((part) => part.step !== "aside")!;
    const { what, details } = observations.at(-1)!;
    return [step, what, ...(details.gets === undefined ? [] : [details.gets])].join(", ");
  });

// The slowest first: five run at a time.

test.concurrent("a machine that is installed boots from its disk (UEFI)", async () => {
  const { mac } = machines["installed-uefi"];
  await lab.slipway("approve", "installed-uefi");
  expect(await asMachine("installed-uefi", `${network.url}/ipxe?mac=${mac}`)).toContain("/assets/installer");
  await report("installed-uefi", "installed");
  await using machine = await powerOn(mac, "ovmf-pxe");
  await machine.waitFor(/^DISK RUNS$/m, 180_000);
  expect(await machine.console()).toContain("This machine boots from its own disk.");
  const shown = await lab.show("installed-uefi");
  expect(ends(shown)).toEqual(["script, GET /ipxe, its own disk"]);
  expect(shown.timeline).not.toHaveProperty("missing");
}, 200_000);

test.concurrent.each([
  ["incomplete", "seabios"],
  ["incomplete-uefi", "ovmf-pxe"],
] as const)(
  "a machine whose kernel is missing goes on to its disk (%s, %s)",
  async (name, firmware) => {
    await lab.slipway("approve", name);
    await using machine = await powerOn(machines[name].mac, firmware);
    await machine.waitFor(/^DISK RUNS$/m, 180_000);
    const shown = await lab.show(name);
    expect(ends(shown)).toEqual(["kernel, GET /assets/absent"]);
    expect(shown.waitsFor).toBe("the kernel and all its initrds");
    expect(shown.timeline!.missing!.causes[0]!.cause).toBe(
      "GET /assets/absent was answered with 404: no such file",
    );
  },
  200_000,
);

test.concurrent("its menu boots from disk when nobody is there", async () => {
  await using machine = await powerOn(strangers.alone);
  await machine.waitFor(/^DISK RUNS$/m, 150_000);
  expect(await lab.show(strangers.alone)).toMatchObject({ state: "discovered", overdue: false });
}, 200_000);

test.concurrent("an installer runs once; what it installed boots from then on (BIOS)", async () => {
  const { mac } = machines.installed;
  await lab.slipway("approve", "installed");
  {
    await using machine = await powerOn(mac);
    await machine.waitFor(/^INSTALLER RUNS$/m, 90_000);
  }
  await report("installed", "installed");
  await using machine = await powerOn(mac);
  await machine.waitFor(/^DISK RUNS$/m, 90_000);
  expect(await machine.console()).toContain("This machine boots from its own disk.");
  const shown = await lab.show("installed", "--all");
  expect(ends(shown)).toEqual(["report, installed", "script, GET /ipxe, its own disk"]);
  expect(shown).toMatchObject({ state: "ready", life: { boot: { attempts: 1 } } });
  expect(shown.timeline).not.toHaveProperty("missing");
}, 200_000);

test.concurrent("a machine that waits asks again, and boots when it is approved", async () => {
  const { mac } = machines.waiting;
  await using machine = await powerOn(mac);
  await machine.waitFor(/Not yet: the lab approves none by itself/, 90_000);
  const waits = await lab.show("waiting");
  // 16 s if nobody told it that there is no IPv6 router.
  const script = waits.timeline!.boots.at(-1)!.parts.find(({ step }) => step === "script");
  expect(script?.silenceMs).toBeLessThan(10_000);
  expect(ends(waits)).toEqual(["script, GET /ipxe, a wait"]);
  expect(waits).toMatchObject({ state: "discovered", waitsFor: "its boot profile", overdue: false });
  expect(waits.timeline!.missing!.causes[0]).toMatchObject({ try: "slipway netboot approve MAC" });
  await lab.slipway("approve", "waiting");
  await machine.waitFor(/^WORKER RUNS$/m, 90_000);
  const boots = await lab.show("waiting");
  expect(ends(boots)).toEqual(["kernel, GET /assets/worker"]);
  expect(boots).toMatchObject({ state: "provisioning", life: { approvedBy: "person" } });
}, 200_000);

test.concurrent("a machine that nobody described gets a menu, and what it asks for there", async () => {
  await using machine = await powerOn(strangers.chosen);
  await machine.waitFor(/nobody has described this machine/, 90_000);
  const shown = await lab.show(strangers.chosen);
  expect(ends(shown)).toEqual(["script, GET /ipxe, a menu"]);
  expect(shown).toMatchObject({ state: "discovered", waitsFor: "somebody's word what it is to boot" });
  await lab.slipway("approve", strangers.chosen);
  machine.type("\x1b[B\r");
  await machine.waitFor(/^WORKER RUNS$/m, 90_000);
  expect(ends(await lab.show(strangers.chosen))).toEqual(["kernel, GET /assets/worker"]);
}, 200_000);

test.concurrent("a machine that is retired boots from its disk", async () => {
  const { mac } = machines.retired;
  await lab.slipway("approve", "retired");
  await lab.slipway("retire", "retired");
  await using machine = await powerOn(mac);
  await machine.waitFor(/^DISK RUNS$/m, 90_000);
  const shown = await lab.show("retired");
  expect(ends(shown)).toEqual(["ipxe-dhcp, REQUEST → ACK"]);
  expect(shown).toMatchObject({ state: "retired" });
  expect(shown.timeline).not.toHaveProperty("missing");
}, 200_000);
