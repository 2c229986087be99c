import { benchDhcp } from "./netboot-dhcp.js";
import { benchNetbootHttp } from "./netboot-http.js";
import { benchInventory } from "./netboot-inventory.js";
import { benchStorm } from "./netboot-storm.js";
import { benchTftp } from "./netboot-tftp.js";

/**
 * The boot server's protocols against their peers, in turn in one run: HTTP against matchbox (load from wrk), DHCP with durable
 * leases (perfdhcp) and TFTP (atftp) against dnsmasq. Then what has no peer here: a storm of machines, and a large inventory.
 */
export async function benchNetboot({
  json,
  runs,
}: {
  json: boolean;
  runs: number | undefined;
}): Promise<void> {
  const times = runs === undefined ? {} : { runs };
  const log = (line: string) => console.error(line);
  log("HTTP against matchbox, about three minutes …");
  const http = await benchNetbootHttp(log);
  log("DHCP against dnsmasq …");
  const dhcp = await benchDhcp(times);
  log("TFTP against dnsmasq …");
  const tftp = await benchTftp(times);
  log("A storm of machines …");
  const storm = await benchStorm(log);
  log("An inventory of 100,000 machines …");
  const inventory = await benchInventory();
  if (json) {
    console.log(JSON.stringify({ http, dhcp, tftp, storm, inventory }));
    return;
  }
  const row = (...cells: (string | number)[]) =>
    console.log(
      cells.map((cell, i) => (i === 0 ? String(cell).padEnd(28) : String(cell).padStart(14))).join(""),
    );
  row("", "slipway", "peer", "ratio");
  for (const [groups, documents] of Object.entries(http)) {
    for (const [name, { slipway, matchbox, ratio }] of Object.entries(documents)) {
      row(`/${name}, ${groups} groups, 1/s`, slipway.requestsPerSecond, matchbox.requestsPerSecond, ratio);
    }
  }
  row("DHCP, exchanges/s", dhcp.slipway, dhcp.dnsmasq, dhcp.ratio);
  for (const [shape, { slipway, dnsmasq, ratio }] of Object.entries(tftp)) {
    row(`TFTP ${shape}, MB/s`, slipway, dnsmasq, ratio);
  }
  const again = Object.entries(storm.retransmissions).map(([what, times]) => `${times} for ${what}`);
  console.log(
    `\nstorm: ${storm.machines} machines at once, ${storm.lost} lost, all up in ${storm.seconds} s ` +
      `(each: p50 ${storm.p50Seconds} s, p99 ${storm.p99Seconds} s); server's memory ${storm.memoryMiB} MiB; ` +
      `sent once more: ${again.join(", ") || "nothing"}`,
  );
  console.log(
    `inventory: ${inventory.machines} machines, load ${inventory.loadSeconds} s, reload ${inventory.reloadSeconds} s ` +
      `with ${inventory.answers} answers meanwhile, each within ${inventory.reloadStallMs} ms; peak ${inventory.loadPeakMiB} MiB at load, ${inventory.peakMiB} MiB at the reload`,
  );
}
