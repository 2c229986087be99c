import { expect, test } from "vitest";
import { acceptInChain, networkTable, obstructingChains, portsTable, rulesOfBridge } from "./firewall.js";
import { bridgeName } from "./names.js";
import { rangeConflict } from "./network.js";

const network = {
  cluster: "demo",
  nodeSubnet: "10.77.0.0/24",
  gateway: "10.77.0.1",
  podSubnet: "10.244.0.0/16",
};

test("a table is replaced as a whole, whether it is there or not", () => {
  const bridge = bridgeName("demo");
  const text = networkTable(network);
  expect(text.split("\n").slice(0, 3)).toEqual([
    `add table ip ${bridge}`,
    `delete table ip ${bridge}`,
    `table ip ${bridge} {`,
  ]);
});

test("ports are open on the address they were given, to the host itself and to others", () => {
  const port = { hostAddress: "127.0.0.1", hostPort: 8080, nodePort: 80, protocol: "tcp" as const };
  const text = portsTable("slipway-0", "10.77.0.2", [
    port,
    { ...port, hostAddress: "0.0.0.0", protocol: "udp" },
  ]);
  expect(text.match(/ip daddr 127\.0\.0\.1 tcp dport 8080 dnat to 10\.77\.0\.2:80/g)).toHaveLength(2);
  expect(text.match(/fib daddr type local udp dport 8080 dnat to 10\.77\.0\.2:80/g)).toHaveLength(2);
  expect(portsTable("slipway-0", "10.77.0.2", [])).not.toContain("{");
});

test("chains that drop what is forwarded are found; ours get a comment by which they are found again", () => {
  const chain = (changes: object) => ({
    chain: { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "drop", ...changes },
  });
  const objects = [
    chain({}),
    chain({ policy: "accept" }),
    chain({ hook: "input" }),
    chain({ family: "ip6" }),
    chain({ family: "inet", table: "firewalld", name: "filter_FORWARD", policy: "accept" }),
  ];
  expect(obstructingChains(objects)).toEqual([
    { family: "ip", table: "filter", name: "FORWARD" },
    { family: "inet", table: "firewalld", name: "filter_FORWARD" },
  ]);
  expect(acceptInChain({ family: "ip", table: "filter", name: "FORWARD" }, "slipway-0")).toContain(
    'insert rule ip filter FORWARD oifname "slipway-0" counter accept comment "slipway-0"',
  );
  const rule = { family: "ip", table: "filter", chain: "FORWARD", handle: 7 };
  expect(
    rulesOfBridge([{ rule }, { rule: { ...rule, handle: 9, comment: "slipway-0" } }], "slipway-0"),
  ).toEqual([9]);
});

test("a range that the host uses is named; the default route and the cluster's own bridge do not count", () => {
  const link = (ifname: string, local: string) => ({
    ifindex: 1,
    ifname,
    flags: [],
    addr_info: [{ family: "inet" as const, local, prefixlen: 24 }],
  });
  const routes = [
    { dst: "default", dev: "eth0" },
    { dst: "10.0.0.0/8", dev: "tun0" },
  ];
  const conflict = (range: string, routing = routes) =>
    rangeConflict(range, "slipway-0", [link("eth0", "192.168.1.7"), link("slipway-0", "10.77.0.1")], routing);
  expect(conflict("192.168.0.0/16")).toBe("192.168.1.7/24 on interface eth0");
  expect(conflict("10.77.0.0/24")).toBe("10.0.0.0/8 (a route through tun0)");
  expect(conflict("10.77.0.0/24", routes.slice(0, 1))).toBeUndefined();
});
