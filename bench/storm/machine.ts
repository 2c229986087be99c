import { runScripts } from "../../src/netboot/simulate/ipxe-script.js";
import { IpxeSettings } from "../../src/netboot/simulate/ipxe-settings.js";
import {
  firmwareStage,
  ipxeBuild,
  ipxeStage,
  type SimulatedMachine,
} from "../../src/netboot/simulate/machine.js";
import type { DhcpWire } from "./dhcp-wire.js";
import { HttpFetch } from "./http-fetch.js";
import { ipxeDhcp, Lost, romDhcp, type Tally } from "./patience.js";
import { tftpFetch } from "./tftp-fetch.js";

/** What became of a machine. */
export interface Fate {
  mac: string;
  seconds: number;
  retransmissions: Tally;
  /** Why it did not get to its report; undefined: it did. */
  lost?: string;
}

/** BIOS ROMs have no windows; EDK2's are of four blocks (PcdPxeTftpWindowSize). */
const tftpOptions = {
  bios: { blksize: "1456" },
  uefi: { blksize: "1468", windowsize: "4" },
};

/** A machine from power-on to its report. */
export async function bootMachine(machine: SimulatedMachine, wire: DhcpWire): Promise<Fate> {
  const startedMs = performance.now();
  const retransmissions: Tally = {};
  const fate = (lost?: string): Fate => ({
    mac: machine.mac,
    seconds: (performance.now() - startedMs) / 1000,
    retransmissions,
    ...(lost === undefined ? {} : { lost }),
  });
  try {
    await firmware(machine, wire, retransmissions);
    await ipxe(machine, wire, retransmissions);
    return fate();
  } catch (error) {
    if (error instanceof Lost) return fate(error.message);
    throw error;
  }
}

async function firmware(machine: SimulatedMachine, wire: DhcpWire, tally: Tally): Promise<void> {
  const stage = firmwareStage(machine.firmware);
  if (!stage) return;
  const { address, nextServer, file } = await wire.configure(machine, stage, romDhcp, tally);
  const options = tftpOptions[machine.firmware === "bios" ? "bios" : "uefi"];
  await tftpFetch({ from: address, server: nextServer, file, options, tally });
}

async function ipxe(machine: SimulatedMachine, wire: DhcpWire, tally: Tally): Promise<void> {
  const { address, file, settings } = await wire.configure(
    machine,
    ipxeStage(machine.firmware),
    ipxeDhcp,
    tally,
  );
  const http = new HttpFetch(address);
  try {
    const fetch = async (url: string) => {
      const text = await http.text(url);
      return { ok: true, ...(text.startsWith("#!ipxe") && { script: text }) };
    };
    const { script = "" } = await fetch(file);
    const said = { mac: machine.mac, uuid: machine.uuid, serial: "", hostname: "", domain: "" };
    const own = new IpxeSettings({ ...settings, ...ipxeBuild(machine.firmware), ...said });
    const end = await runScripts({ settings: own, fetch, begin: () => {} }, file, script);
    if (end.type !== "kernel") throw new Lost(`iPXE: ${end.because}`);
    const config = end.kernel.args.find((arg) => arg.startsWith("ignition.config.url="));
    const ignition = await http.text((config ?? "").slice("ignition.config.url=".length));
    if (JSON.parse(ignition).ignition?.version === undefined) throw new Lost("Ignition: no config");
    await http.text(new URL("/report", file).href, { mac: machine.mac, stage: "booted" });
  } finally {
    http.close();
  }
}
