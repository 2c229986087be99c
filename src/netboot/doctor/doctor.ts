import { SlipwayError } from "../../base/errors.js";
import { didYouMean } from "../../base/nearest.js";
import { listLinks } from "../../net/ip-command.js";
import { nftList } from "../../net/nft.js";
import { offerFindings, probeDhcp, probeFailed } from "./dhcp-probe.js";
import type { Finding } from "./finding.js";
import { firewallFindings, type NftObject } from "./firewall.js";
import { linkFindings, readLinkFacts } from "./link.js";
import { portFindings } from "./ports.js";

/**
 * Looks at an interface that machines are to boot from. The only thing that it sends is a DHCP DISCOVER.
 *
 * @throws {SlipwayError} `USAGE` when there is no such interface
 */
export async function examine(interfaceName: string, signal: AbortSignal): Promise<Finding[]> {
  const links = await listLinks({ signal });
  const link = links.find(({ ifname }) => ifname === interfaceName);
  if (!link) {
    const names = links.map(({ ifname }) => ifname);
    throw new SlipwayError("USAGE", `there is no interface ${interfaceName}`, {
      hint: didYouMean(interfaceName, names) ?? `there are ${names.join(", ")}`,
    });
  }
  const facts = linkFindings(await readLinkFacts(link));
  const address = link.addr_info.find(({ family }) => family === "inet")?.local;
  const rules = await nftList<NftObject>(["ruleset"], { signal }).catch(() => undefined);
  const firewall = firewallFindings(rules, interfaceName);
  if (address === undefined) return [...facts, ...firewall];
  const own = new Set(links.flatMap(({ addr_info: addresses }) => addresses.map(({ local }) => local)));
  const ports = await portFindings(address);
  const offers = await probeDhcp(address, signal).then(
    (answers) => offerFindings(answers, own),
    (error: unknown) => [probeFailed(error)],
  );
  signal.throwIfAborted();
  return [...facts, ...ports, ...firewall, ...offers];
}
