/*
 * One client that asks again and again: prober.mjs URL, in the clients' namespace. At SIGTERM it prints the longest that it
 * waited for an answer, by DHCP and by HTTP, in milliseconds, and how many it had.
 */
import { setTimeout as delay } from "node:timers/promises";
import { firmwareStage } from "../../src/netboot/simulate/machine.js";
import { macOf } from "../macs.js";
import { DhcpWire } from "./dhcp-wire.js";
import { HttpFetch } from "./http-fetch.js";
import { clientAddress } from "./lab.js";

export interface Waits {
  answers: number;
  longestMs: number;
}

const pauseMs = 5;
const stage = firmwareStage("bios")!;
const mac = macOf(1);
const machine = {
  mac,
  firmware: "bios",
  uuid: `00000000-0000-4000-8000-${mac.replaceAll(":", "")}`,
  labels: {},
} as const;
const [url = ""] = process.argv.slice(2);

const wire = await DhcpWire.open();
const http = new HttpFetch(clientAddress);
const patience = { seconds: [60], jitterSeconds: 0 };
const waits = {
  dhcp: watch(() => wire.configure(machine, stage, patience, {})),
  http: watch(() => http.text(`${url}/ipxe?mac=${mac}`)),
};
process.stdout.write("ready\n");
process.on("SIGTERM", () => {
  process.stdout.write(`${JSON.stringify(waits)}\n`, () => process.exit(0));
});

function watch(ask: () => Promise<unknown>): Waits {
  const seen: Waits = { answers: 0, longestMs: 0 };
  const go = async (): Promise<never> => {
    // The first is not counted: connections are made, code is compiled.
    for (let first = true; ; first = false) {
      const askedMs = performance.now();
      await ask();
      if (!first) seen.longestMs = Math.max(seen.longestMs, performance.now() - askedMs);
      seen.answers++;
      await delay(pauseMs);
    }
  };
  void go();
  return seen;
}
