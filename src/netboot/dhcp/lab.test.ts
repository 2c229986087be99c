import { describe, expect, test } from "vitest";
import { networkFor } from "./lab.js";
import { option } from "./options.js";
import { ask, testLab, testMachine, testNetwork } from "./testing.js";

const mac = "52:54:00:00:00:01";
const second = { ...testNetwork, interface: "br1", address: "10.89.0.1", subnet: "10.89.0.0/24" };
const onSameWire = { ...testNetwork, address: "10.90.0.1", subnet: "10.90.0.0/24" };
const { interface: _, ...unbound } = testNetwork;
const remote = { ...unbound, address: "10.91.0.1", subnet: "10.91.0.0/24" };
const lab = testLab({
  networks: [testNetwork, second, onSameWire, remote],
  machines: [testMachine("node1", mac, { address: "10.90.0.7" })],
});

const subnet = (said: Parameters<typeof ask>[1], heardOn: string | undefined) =>
  networkFor(lab, ask("DISCOVER", { mac: "52:54:00:00:00:99", ...said }), heardOn)?.network.subnet;

describe("which network a packet is from", () => {
  test("the one of the interface that it came by", () => {
    expect(subnet({}, "br0")).toBe("10.88.0.0/24");
    expect(subnet({}, "br1")).toBe("10.89.0.0/24");
    expect(subnet({}, "br7")).toBeUndefined();
  });

  test("of several on one wire, that of the machine's own address or of the one it asks for", () => {
    expect(subnet({ mac }, "br0")).toBe("10.90.0.0/24");
    expect(subnet({ options: { [option.requestedAddress]: "10.90.0.9" } }, "br0")).toBe("10.90.0.0/24");
    expect(subnet({ ciaddr: "10.90.0.9" }, "br0")).toBe("10.90.0.0/24");
  });

  test("by relay the one that the relay is in, or names; none when it is a stranger", () => {
    expect(subnet({ giaddr: "10.91.0.2" }, "br0")).toBe("10.91.0.0/24");
    expect(subnet({ giaddr: "10.99.0.2" }, "br0")).toBeUndefined();
    const link = Buffer.of(1, 1, 7, 5, 4, 10, 91, 0, 0);
    expect(subnet({ giaddr: "10.88.0.2", options: { [option.relayAgent]: link } }, "br0")).toBe(
      "10.91.0.0/24",
    );
    const strange = Buffer.of(1, 1, 7, 5, 4, 10, 99, 0, 5);
    expect(subnet({ giaddr: "10.88.0.2", options: { [option.relayAgent]: strange } }, "br0")).toBeUndefined();
  });

  test("who has an address of a remote network already may come through a router", () => {
    expect(subnet({ ciaddr: "10.91.0.9" }, "br0")).toBe("10.91.0.0/24");
    // On another wire than its address's: it is refused there.
    expect(subnet({ ciaddr: "10.89.0.9" }, "br0")).toBe("10.88.0.0/24");
  });
});
