import { describe, expect, test } from "vitest";
import { neighbourIn } from "../life/owners.js";
import { offerFindings } from "./dhcp-probe.js";
import { firewallFindings, type NftObject } from "./firewall.js";
import { linkFindings } from "./link.js";

const own = { family: "inet", table: "filter" };
const input = (policy: string): NftObject => ({ chain: { ...own, name: "input", hook: "input", policy } });
const rule = (...expr: Record<string, unknown>[]): NftObject => ({ rule: { ...own, chain: "input", expr } });
const match = (left: unknown, right: unknown, op = "==") => ({ match: { op, left, right } });
const dport = (protocol: string, right: unknown) => match({ payload: { protocol, field: "dport" } }, right);
const from = (name: string, op = "==") => match({ meta: { key: "iifname" } }, name, op);
const established = match({ ct: { key: "state" } }, ["established", "related"], "in");

describe("the firewall", () => {
  const closed = (...rules: NftObject[]) => firewallFindings(rules, "br0").map(({ found }) => found);
  const nothing = ["nftables drops nothing that machines send to this server"];

  test("no rules, or a chain that accepts, is in nobody's way", () => {
    expect(closed()).toEqual(nothing);
    expect(closed(input("accept"), rule(dport("tcp", 22), { accept: null }))).toEqual(nothing);
  });

  test("a chain that drops what it does not name is, and the fix opens just that", () => {
    const rules = [
      input("drop"),
      rule(established, { accept: null }),
      rule(from("lo"), { accept: null }),
      rule(dport("udp", { set: [53, { range: [67, 68] }] }), { accept: null }),
    ];
    expect(firewallFindings(rules, "br0")).toEqual([
      {
        check: "firewall",
        result: "problem",
        found: "inet filter input drops 69/udp (TFTP), 4011/udp (proxyDHCP), 8080/tcp (HTTP)",
        fix: 'nft insert rule inet filter input iifname "br0" udp dport { 69, 4011 } accept; nft insert rule inet filter input iifname "br0" tcp dport { 8080 } accept',
      },
    ]);
  });

  test("the interface's own rule, and the order of rules, count", () => {
    expect(closed(input("drop"), rule(from("br0"), { accept: null }))).toEqual(nothing);
    expect(closed(input("drop"), rule(from("eth0"), { accept: null }))[0]).toMatch(/drops 67/);
    expect(closed(input("accept"), rule(dport("udp", 69), { drop: null }), rule({ accept: null }))).toEqual([
      "inet filter input drops 69/udp (TFTP)",
    ]);
    expect(
      closed(input("accept"), rule(from("br0"), { accept: null }), rule(dport("udp", 69), { drop: null })),
    ).toEqual(nothing);
    expect(closed(input("accept"), rule(from("lo", "!="), { reject: {} }))[0]).toMatch(/drops 67/);
  });

  test("rules that cannot be listed are said to be unknown", () => {
    expect(firewallFindings(undefined, "br0")).toMatchObject([{ result: "unknown" }]);
  });
});

describe("the link", () => {
  const link = {
    ifname: "br0",
    flags: ["UP", "LOWER_UP"],
    addr_info: [{ family: "inet" as const, local: "10.0.0.1", prefixlen: 24 }],
  };
  const results = (facts: Parameters<typeof linkFindings>[0]) =>
    linkFindings(facts).map(({ check, result }) => `${check} ${result}`);

  test("up, with an address and 1500 bytes, is well", () => {
    expect(results({ link, mtu: 1500 })).toEqual(["link ok", "address ok", "MTU ok"]);
  });

  test("down, unplugged, without address, with a small MTU or a slow bridge, each has its fix", () => {
    expect(results({ link: { ...link, flags: [] }, mtu: 1500 })[0]).toBe("link problem");
    expect(results({ link: { ...link, flags: ["UP"] }, mtu: 1500 })[0]).toBe("link problem");
    expect(results({ link: { ...link, addr_info: [] }, mtu: 1400 })).toEqual([
      "link ok",
      "address problem",
      "MTU warning",
    ]);
    const slow = linkFindings({ link, mtu: 1500, spanningTree: { delaySeconds: 30 } }).at(-1);
    expect(slow).toMatchObject({ result: "warning", found: expect.stringContaining("30 s") });
    for (const finding of linkFindings({ link: { ...link, flags: [], addr_info: [] }, mtu: 576 })) {
      expect(finding.fix).toBeTruthy();
    }
  });
});

test("another DHCP server is told of; this machine's own is not another", () => {
  const own = new Set(["10.0.0.1"]);
  const ours = { server: "10.0.0.1", address: "10.0.0.50", file: "ipxe.efi" };
  expect(offerFindings([], own)).toMatchObject([{ result: "ok" }]);
  expect(offerFindings([ours], own).map(({ check, result }) => [check, result])).toEqual([
    ["DHCP here", "ok"],
    ["other DHCP servers", "ok"],
  ]);
  expect(offerFindings([{ server: "10.0.0.9", address: "0.0.0.0", file: "a\u0007b" }], own)).toMatchObject([
    { result: "warning", found: "10.0.0.9 answers: boot information only, boot file a\uFFFDb" },
  ]);
});

test("the neighbour table says whose an address is", () => {
  const table = `IP address       HW type     Flags       HW address            Mask     Device
10.0.0.5         0x1         0x2         52:54:00:00:00:AA     *        br0
10.0.0.6         0x1         0x0         00:00:00:00:00:00     *        br0
`;
  expect(neighbourIn(table, "10.0.0.5")).toBe("52:54:00:00:00:aa");
  expect(neighbourIn(table, "10.0.0.6")).toBeUndefined();
  expect(neighbourIn(table, "10.0.0.55")).toBeUndefined();
});
