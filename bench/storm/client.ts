/*
 * Machines that are not there, but speak as if they were: client.mjs COUNT SPREAD_SECONDS, in a network namespace in which the
 * addresses that they are given are local. All are turned on within that time, half of them BIOS, half UEFI; prints a
 * line of JSON for each, what became of it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { macOf } from "../macs.js";
import { DhcpWire } from "./dhcp-wire.js";
import { bootMachine } from "./machine.js";

const [count = 0, spreadSeconds = 0] = process.argv.slice(2).map(Number);
const wire = await DhcpWire.open();
await Promise.all(
  Array.from({ length: count }, async (_, n) => {
    await delay(Math.random() * spreadSeconds * 1000);
    const mac = macOf(n);
    const firmware = n % 2 === 0 ? "bios" : "uefi-x64";
    const uuid = `00000000-0000-4000-8000-${mac.replaceAll(":", "")}`;
    const fate = await bootMachine({ mac, firmware, uuid, labels: {} }, wire);
    process.stdout.write(`${JSON.stringify(fate)}\n`);
  }),
);
wire.close();
