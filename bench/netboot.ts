import { benchDhcp } from "./netboot-dhcp.js";
import { benchNetbootHttp } from "./netboot-http.js";
import { benchInventory, type InventoryFigures } from "./netboot-inventory.js";
import { benchStorm, type StormFigures } from "./netboot-storm.js";
import { benchTftp, type TftpFigures } from "./netboot-tftp.js";

export const netbootParts = ["http", "dhcp", "tftp", "storm", "inventory"] as const;

interface Figures {
  http?: Awaited<ReturnType<typeof benchNetbootHttp>>;
  dhcp?: Awaited<ReturnType<typeof benchDhcp>>;
  tftp?: TftpFigures;
  storm?: StormFigures;
  inventory?: InventoryFigures;
}

/**
 * The boot server's protocols against their peers, in turn in one run: HTTP against matchbox (load from wrk), DHCP with durable
 * leases (perfdhcp) and TFTP (atftp) against dnsmasq. Then what has no peer here: a storm of machines, and a large inventory.
 */
export async function benchNetboot({
  json,
  runs,
  parts,
}: {
  json: boolean;
  runs: number | undefined;
  parts: ReadonlySet<string>;
}): Promise<void> {
  const times = runs === undefined ? {} : { runs };
  const log = (line: string) => console.error(line);
  const figures: Figures = {};
  if (parts.has("http")) {
    log("HTTP against matchbox, about three minutes …");
    figures.http = await benchNetbootHttp(log);
  }
  if (parts.has("dhcp")) {
    log("DHCP against dnsmasq …");
    figures.dhcp = await benchDhcp(times);
  }
  if (parts.has("tftp")) {
    log("TFTP against dnsmasq …");
    figures.tftp = await benchTftp(times);
  }
  if (parts.has("storm")) {
    log("A storm of machines …");
    figures.storm = await benchStorm(log);
  }
  if (parts.has("inventory")) {
    log("An inventory of 100,000 machines …");
    figures.inventory = await benchInventory();
  }
  if (json) console.log(JSON.stringify(figures));
  else printTable(figures);
}

function printTable({ http, dhcp, tftp, storm, inventory }: Figures): void {
  const row = (...cells: (string | number)[]) =>
    console.log(
      cells.map((cell, i) => (i === 0 ? String(cell).padEnd(28) : String(cell).padStart(14))).join(""),
    );
  row("", "slipway", "peer", "ratio");
  for (const [groups, documents] of Object.entries(http ?? {})) {
    for (const [name, { slipway, matchbox, ratio }] of Object.entries(documents)) {
      row(`/${name}, ${groups} groups, 1/s`, slipway.requestsPerSecond, matchbox.requestsPerSecond, ratio);
    }
  }
  if (dhcp) row("DHCP, exchanges/s", dhcp.slipway, dhcp.dnsmasq, dhcp.ratio);
  for (const [shape, { slipway, dnsmasq, ratio }] of Object.entries(tftp ?? {})) {
    row(`TFTP ${shape}, MB/s`, slipway, dnsmasq, ratio);
  }
  if (storm) {
    const again = Object.entries(storm.retransmissions).map(([what, times]) => `${times} for ${what}`);
    console.log(
      `\nstorm: ${storm.machines} machines at once, ${storm.lost} lost, all up in ${storm.seconds} s ` +
        `(each: p50 ${storm.p50Seconds} s, p99 ${storm.p99Seconds} s); server's memory ${storm.memoryMiB} MiB; ` +
        `sent once more: ${again.join(", ") || "nothing"}`,
    );
  }
  if (inventory) {
    console.log(
      `inventory: ${inventory.machines} machines, load ${inventory.loadSeconds} s, reload ${inventory.reloadSeconds} s ` +
        `with ${inventory.answers} answers meanwhile, each within ${inventory.reloadStallMs} ms; peak ${inventory.loadPeakMiB} MiB at load, ${inventory.peakMiB} MiB at the reload`,
    );
  }
}
