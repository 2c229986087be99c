import { readTextIfPresent } from "../../base/files.js";
import type { LinkInfo } from "../../net/ip-command.js";
import type { Finding } from "./finding.js";

/** What a link is like, as the kernel says. */
export interface LinkFacts {
  link: Pick<LinkInfo, "ifname" | "flags" | "addr_info">;
  mtu: number;
  /** Of a bridge: whether it learns of loops before it forwards, and for how long. */
  spanningTree?: { delaySeconds: number };
}

export async function readLinkFacts(link: LinkInfo): Promise<LinkFacts> {
  const directory = `/sys/class/net/${link.ifname}`;
  const [mtu, stp, delay] = await Promise.all(
    ["mtu", "bridge/stp_state", "bridge/forward_delay"].map((name) =>
      readTextIfPresent(`${directory}/${name}`),
    ),
  );
  return {
    link,
    mtu: Number(mtu ?? 1500),
    // In hundredths of a second; a port listens, then learns, each for that long.
    ...(Number(stp ?? 0) > 0 ? { spanningTree: { delaySeconds: (2 * Number(delay ?? 1500)) / 100 } } : {}),
  };
}

export function linkFindings({ link, mtu, spanningTree }: LinkFacts): Finding[] {
  const { ifname, flags, addr_info: addresses } = link;
  return [
    linkFinding(ifname, flags),
    addressFinding(
      ifname,
      addresses
        .filter(({ family }) => family === "inet")
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ),
    mtuFinding(ifname, mtu),
    ...(spanningTree === undefined
      ? []
      : [
          {
            check: "spanning tree",
            result: "warning" as const,
            found: `the bridge forwards nothing for the first ${spanningTree.delaySeconds} s after a machine's link comes up; firmware may have given up by then`,
            fix: `ip link set ${ifname} type bridge stp_state 0, or forward_delay 0`,
          },
        ]),
  ];
}

function linkFinding(name: string, flags: readonly string[]): Finding {
  if (!flags.includes("UP")) {
    return { check: "link", result: "problem", found: `${name} is down`, fix: `ip link set ${name} up` };
  }
  if (!flags.includes("LOWER_UP")) {
    return {
      check: "link",
      result: "problem",
      found: `${name} is up, but nothing is connected to it`,
      fix: "check the cable, the switch's port, or of a bridge that it has ports",
    };
  }
  return { check: "link", result: "ok", found: `${name} is up` };
}

const addressFinding = (name: string, addresses: readonly string[]): Finding =>
  addresses.length === 0
    ? {
        check: "address",
        result: "problem",
        found: `${name} has no IPv4 address, so nothing can be served from it`,
        fix: `ip address add 10.88.0.1/24 dev ${name}, with the address that lab.yaml has`,
      }
    : { check: "address", result: "ok", found: addresses.join(", ") };

const mtuFinding = (name: string, mtu: number): Finding =>
  mtu < 1500
    ? {
        check: "MTU",
        result: "warning",
        found: `${mtu}: firmware takes 1500 for granted, and its large packets are lost`,
        fix: `ip link set ${name} mtu 1500, or the quirk small-blocks for the machines`,
      }
    : { check: "MTU", result: "ok", found: String(mtu) };
