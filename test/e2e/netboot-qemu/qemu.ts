import { copyFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabNetwork } from "./lab-network.js";

/** How a machine finds what to boot: its firmware over the network, or from us, past all firmware. */
export type Firmware =
  | "seabios"
  | "ovmf-pxe"
  | "ovmf-http"
  | { kernel: string; initrd: string; arguments: readonly string[] };

export interface MachineRequest {
  /** Where its tap and QEMU are. */
  network: Pick<LabNetwork, "addTap" | "start">;
  /** Gets the console's log and the firmware's variables. */
  scratch: string;
  firmware: Firmware;
  mac: string;
  memoryMiB: number;
  /** @default 2 */
  cpus?: number;
  /** The image of its disk, which is tried after the network. */
  disk?: string;
}

/** A machine that is on. */
export interface BootedMachine extends AsyncDisposable {
  /** All that it has written on its serial console. */
  console(): Promise<string>;
  /** Types on the serial console; `\x1b[B` is the arrow down. */
  type(keys: string): void;
  /** Waits until the console has such a line; fails with its last lines if the machine ends before, or it takes longer. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
  /** Waits until it has powered off or rebooted, which ends it too. */
  ended(timeoutMs: number): Promise<void>;
  /** Fails if it ends within that time. @param more what the error says besides */
  failsIfItEnds(timeoutMs: number, more?: () => string): Promise<never>;
}

/**
 * Powers a machine on, under software emulation: it is to work where there is no KVM. Its network card has no ROM of QEMU's,
 * which is iPXE, so that the firmware's own PXE or HTTP boot is what boots; SeaBIOS has none and keeps it. What SeaBIOS and iPXE
 * write on the screen goes to the serial console.
 */
export async function bootMachine(request: MachineRequest): Promise<BootedMachine> {
  const { network, mac, memoryMiB, cpus = 2 } = request;
  const directory = await mkdtemp(join(request.scratch, "machine-"));
  const log = join(directory, "console.log");
  await writeFile(log, "");
  const tap = await network.addTap();
  const rom = request.firmware === "seabios" ? "" : ",romfile=";
  const arguments_ = [
    ...[
      "-machine",
      "q35,graphics=off",
      "-accel",
      "tcg,thread=multi",
      "-smp",
      String(cpus),
      "-m",
      String(memoryMiB),
    ],
    ...["-display", "none", "-no-reboot", "-nodefaults"],
    ...["-chardev", `stdio,id=serial,logfile=${log},signal=off`, "-serial", "chardev:serial"],
    ...["-netdev", `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    ...["-device", `virtio-net-pci,netdev=net0,mac=${mac},bootindex=1${rom}`],
    ...(await firmwareArguments(request.firmware, directory)),
    ...(request.disk === undefined ? [] : diskArguments(request.disk)),
  ];
  const qemu = network.start("qemu-system-x86_64", arguments_, { stdin: "pipe" });
  // The log has it.
  qemu.stdout?.resume();
  let over = false;
  let complaint = "";
  qemu.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const end = qemu.then(() => {
    over = true;
  });
  const console_ = async () => (await readFile(log, "utf8")).replace(/\r/g, "");
  const lastLines = async () => `${(await console_()).split("\n").slice(-40).join("\n")}\n${complaint}`;

  const ended = async (timeoutMs: number) => {
    const timer = new AbortController();
    const late = sleep(timeoutMs, "late", { signal: timer.signal }).catch(() => undefined);
    const which = await Promise.race([end, late]);
    timer.abort();
    if (which === "late") throw new Error(`the machine is still on; its console:\n${await lastLines()}`);
  };

  return {
    console: console_,
    type(keys) {
      qemu.stdin?.write(keys);
    },
    async waitFor(pattern, timeoutMs) {
      const until = performance.now() + timeoutMs;
      for (;;) {
        const ended = over;
        const match = (await console_()).match(pattern);
        if (match) return match;
        if (ended)
          throw new Error(`the machine ended without ${pattern}; its console:\n${await lastLines()}`);
        if (performance.now() > until) {
          throw new Error(`no ${pattern} within ${timeoutMs} ms; the console:\n${await lastLines()}`);
        }
        await sleep(100);
      }
    },
    ended,
    async failsIfItEnds(timeoutMs, more = () => "") {
      await ended(timeoutMs);
      throw new Error(`the machine ended; its console:\n${await lastLines()}\n${more()}`);
    },
    async [Symbol.asyncDispose]() {
      qemu.kill("SIGTERM");
      await end;
    },
  };
}

async function firmwareArguments(firmware: Firmware, directory: string): Promise<string[]> {
  if (firmware === "seabios") return [];
  if (typeof firmware === "object") {
    const { kernel, initrd } = firmware;
    const append = firmware.arguments.join(" ");
    return ["-kernel", kernel, "-initrd", initrd, "-append", append];
  }
  const variables = join(directory, "variables.fd");
  await copyFile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables);
  // OVMF tries PXE first, and HTTP only after minutes of time-outs.
  const off =
    firmware === "ovmf-http"
      ? ["IPv4PXESupport", "IPv6PXESupport", "IPv6Support"]
      : ["IPv6PXESupport", "IPv6Support"];
  return [
    ...["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"],
    ...["-drive", `if=pflash,format=raw,file=${variables}`],
    ...off.flatMap((name) => ["-fw_cfg", `name=opt/org.tianocore/${name},string=no`]),
  ];
}

const diskArguments = (disk: string): string[] => [
  ...["-drive", `if=none,id=disk0,format=raw,file=${disk}`],
  ...["-device", "virtio-blk-pci,drive=disk0,bootindex=2"],
];
