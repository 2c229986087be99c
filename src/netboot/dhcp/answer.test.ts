import { describe, expect, test } from "vitest";
import { addressOption, option, textOption } from "./options.js";
import { ask, seconds, TestServer, testLab, testMachine, testNetwork } from "./testing.js";
import type { DhcpAnswer } from "./turn.js";

const mac = (n: number): string => `52:54:00:00:00:${n.toString(16).padStart(2, "0")}`;
const hour = 3_600_000;

const brief = ({ reply, because }: DhcpAnswer) =>
  reply ? `${reply.type} ${reply.packet.yiaddr} to ${reply.to.address}:${reply.to.port}` : because;

const requested = (address: string, more: Record<number, Uint8Array | string> = {}) => ({
  [option.requestedAddress]: address,
  ...more,
});

describe("leasing", () => {
  test("DISCOVER, OFFER, REQUEST, ACK: by broadcast, with the network's options", () => {
    const server = new TestServer();
    expect(brief(server.hear(ask("DISCOVER")))).toBe("OFFER 10.88.0.50 to 255.255.255.255:68");
    expect(server.decisions).toContainEqual(
      expect.objectContaining({ about: "address", chosen: "10.88.0.50", because: "the first that is free" }),
    );
    const ack = server.hear(
      ask("REQUEST", { options: requested("10.88.0.50", { [option.serverId]: "10.88.0.1" }) }),
    );
    expect(brief(ack)).toBe("ACK 10.88.0.50 to 255.255.255.255:68");
    expect(ack.change).toEqual({
      type: "set",
      lease: {
        address: "10.88.0.50",
        client: "hw:1:525400000001",
        mac: mac(1),
        state: "bound",
        expires: server.now + hour,
      },
    });
    const { options } = ack.reply!.packet;
    expect([1, 3, 6, 28, 54].map((code) => addressOption(options, code))).toEqual([
      ...["255.255.255.0", "10.88.0.1", "10.88.0.1", "10.88.0.255", "10.88.0.1"],
    ]);
    expect([51, 58, 59].map((code) => options.get(code)?.readUInt32BE(0))).toEqual([3600, 1800, 3150]);
    expect(textOption(options, option.domainName)).toBe("lab.test");
  });

  test("an offer is kept for its client, then given to others", () => {
    const server = new TestServer();
    server.hear(ask("DISCOVER", { mac: mac(1) }));
    expect(server.hear(ask("DISCOVER", { mac: mac(1) })).reply?.packet.yiaddr).toBe("10.88.0.50");
    for (let n = 2; n <= 10; n++) server.hear(ask("DISCOVER", { mac: mac(n) }));
    expect(brief(server.hear(ask("DISCOVER", { mac: mac(11) })))).toBe("every address of the range is taken");
    server.now += 61_000;
    expect(server.hear(ask("DISCOVER", { mac: mac(11) })).reply?.packet.yiaddr).toBe("10.88.0.50");
  });

  test("no address is with two clients, whatever a hundred of them do to a range of ten", () => {
    const server = new TestServer();
    const given = new Set<string>();
    for (let n = 1; n <= 100; n++) {
      const address = server.lease({ mac: mac(n) });
      if (address === undefined) continue;
      expect(given.has(address)).toBe(false);
      given.add(address);
    }
    expect(given.size).toBe(10);
    server.now += hour + 1;
    expect(server.lease({ mac: mac(200) })).toBe("10.88.0.50");
    expect(server.lease({ mac: mac(1) })).toBe("10.88.0.51");
  });

  test("a client gets the address that it had, also after it released it", () => {
    const server = new TestServer();
    server.lease({ mac: mac(1) });
    const address = server.lease({ mac: mac(2) })!;
    server.hear(ask("RELEASE", { mac: mac(2), ciaddr: address }));
    expect(server.lease({ mac: mac(3) })).not.toBe(address);
    expect(server.lease({ mac: mac(2) })).toBe(address);
  });

  test("the address that is asked for, if it is free and of the range", () => {
    const server = new TestServer();
    expect(server.hear(ask("DISCOVER", { options: requested("10.88.0.57") })).reply?.packet.yiaddr).toBe(
      "10.88.0.57",
    );
    for (const wrong of ["10.88.0.57", "10.88.0.60", "10.88.0.255", "192.168.0.1"]) {
      const other = server.hear(ask("DISCOVER", { mac: mac(2), options: requested(wrong) }));
      expect(other.reply?.packet.yiaddr).toBe("10.88.0.50");
    }
  });

  test("a shorter lease for who asks for one, never a longer one", () => {
    const server = new TestServer();
    const lease = (wanted: number) =>
      server
        .hear(ask("DISCOVER", { options: { [option.leaseTime]: seconds(wanted) } }))
        .reply?.packet.options.get(option.leaseTime)
        ?.readUInt32BE(0);
    expect([lease(600), lease(1), lease(0xffffffff)]).toEqual([600, 120, 3600]);
  });

  test("rapid commit leases at once (RFC 4039)", () => {
    const server = new TestServer();
    const answer = server.hear(ask("DISCOVER", { options: { [option.rapidCommit]: new Uint8Array() } }));
    expect(brief(answer)).toBe("ACK 10.88.0.50 to 255.255.255.255:68");
    expect(answer.reply?.packet.options.get(option.rapidCommit)).toEqual(Buffer.alloc(0));
    expect(answer.change).toMatchObject({ lease: { state: "bound" } });
  });
});

describe("who has an address already (RFC 2131 §4.3.2)", () => {
  test("INIT-REBOOT, RENEWING and REBINDING extend the lease", () => {
    const server = new TestServer();
    const address = server.lease()!;
    server.now += 1_800_000;
    const rebooted = server.hear(ask("REQUEST", { options: requested(address) }));
    expect(brief(rebooted)).toBe(`ACK ${address} to 255.255.255.255:68`);
    const renewed = server.hear(ask("REQUEST", { ciaddr: address }));
    expect(brief(renewed)).toBe(`ACK ${address} to ${address}:68`);
    expect(renewed.change).toMatchObject({ lease: { expires: server.now + hour } });
  });

  test.each([
    ["another's", "10.88.0.50", "10.88.0.50 is taken"],
    ["another network's", "192.168.7.7", "192.168.7.7 is not in 10.88.0.0/24"],
    ["out of the range", "10.88.0.60", "10.88.0.60 is not in the range that is leased here"],
    ["the server's own", "10.88.0.1", "10.88.0.1 is not in the range that is leased here"],
    ["described for another machine", "10.88.0.55", "10.88.0.55 is node1's"],
  ])("NAK: the address is %s", (_, address, because) => {
    const node1 = testMachine("node1", mac(9), { address: "10.88.0.55" });
    const server = new TestServer(testLab({ machines: [node1] }));
    expect(server.lease({ mac: mac(1) })).toBe("10.88.0.50");
    for (const packet of [
      ask("REQUEST", { mac: mac(2), options: requested(address) }),
      ask("REQUEST", { mac: mac(2), ciaddr: address }),
    ]) {
      const answer = server.hear(packet);
      expect(brief(answer)).toBe("NAK 0.0.0.0 to 255.255.255.255:68");
      expect(answer.because).toBe(because);
      expect(textOption(answer.reply!.packet.options, option.message)).toBe(because);
      expect(answer.reply!.packet.options.has(option.leaseTime)).toBe(false);
    }
  });

  test("who takes another server's offer frees ours", () => {
    const server = new TestServer();
    server.hear(ask("DISCOVER"));
    const answer = server.hear(
      ask("REQUEST", { options: requested("10.88.0.7", { [option.serverId]: "10.88.0.2" }) }),
    );
    expect(answer).toMatchObject({ otherServer: "10.88.0.2", change: { type: "remove" } });
    expect(server.hear(ask("DISCOVER", { mac: mac(2) })).reply?.packet.yiaddr).toBe("10.88.0.50");
  });

  test("DECLINE sets an address aside for an hour; only who has it can decline it", () => {
    const server = new TestServer();
    const address = server.lease()!;
    server.hear(ask("DECLINE", { mac: mac(2), options: requested(address) }));
    expect(brief(server.hear(ask("REQUEST", { ciaddr: address })))).toMatch(/^ACK/);
    server.hear(ask("DECLINE", { options: requested(address, { [option.serverId]: "10.88.0.1" }) }));
    expect(server.lease()).toBe("10.88.0.51");
    for (let n = 2; n <= 9; n++) expect(server.lease({ mac: mac(n) })).not.toBe(address);
    expect(server.lease({ mac: mac(10) })).toBeUndefined();
    server.now += hour + 1;
    expect(
      server.hear(ask("DISCOVER", { mac: mac(11), options: requested(address) })).reply?.packet.yiaddr,
    ).toBe(address);
  });

  test("only who has an address releases it", () => {
    const server = new TestServer();
    const address = server.lease()!;
    expect(server.hear(ask("RELEASE", { mac: mac(2), ciaddr: address })).change).toBeUndefined();
    expect(brief(server.hear(ask("REQUEST", { ciaddr: address })))).toMatch(/^ACK/);
  });

  test("INFORM gets options and no lease, and reflects nothing out of the network", () => {
    const server = new TestServer();
    const answer = server.hear(ask("INFORM", { ciaddr: "10.88.0.77" }));
    expect(brief(answer)).toBe("ACK 0.0.0.0 to 10.88.0.77:68");
    expect(answer.reply?.packet.options.has(option.leaseTime)).toBe(false);
    expect(answer.change).toBeUndefined();
    expect(brief(server.hear(ask("INFORM", { ciaddr: "8.8.8.8" })))).toBe("8.8.8.8 is not in 10.88.0.0/24");
  });
});

describe("machines that are described", () => {
  const node1 = testMachine("node1", mac(1), { address: "10.88.0.50" });
  const node2 = testMachine("node2", mac(2), { address: "10.88.0.200" });
  const lab = testLab({ machines: [node1, node2] });

  test("have their address, in the range and outside of it, and nobody else gets it", () => {
    const server = new TestServer(lab);
    expect(server.lease({ mac: mac(3) })).toBe("10.88.0.51");
    expect(server.lease({ mac: mac(1) })).toBe("10.88.0.50");
    expect(server.lease({ mac: mac(2) })).toBe("10.88.0.200");
  });

  test("have it under every client identifier: of firmware, iPXE and system", () => {
    const server = new TestServer(lab);
    for (const id of [
      [0, 1, 2, 3, 4],
      [1, 0x52, 0x54, 0, 0, 0, 1],
      [255, 9, 9, 9, 9],
    ]) {
      expect(server.lease({ mac: mac(1), options: { [option.clientId]: Buffer.from(id) } })).toBe(
        "10.88.0.50",
      );
    }
  });

  test("get another address while somebody has theirs from before, and move to it afterwards", () => {
    const server = new TestServer();
    expect(server.lease({ mac: mac(7) })).toBe("10.88.0.50");
    server.change(lab);
    expect(server.lease({ mac: mac(1) })).toBe("10.88.0.51");
    server.now += hour + 1;
    const renewal = server.hear(ask("REQUEST", { mac: mac(1), ciaddr: "10.88.0.51" }));
    expect(renewal).toMatchObject({ because: "node1 has 10.88.0.50", reply: { type: "NAK" } });
    expect(server.lease({ mac: mac(1) })).toBe("10.88.0.50");
  });

  test("have names of their own, which strangers cannot take", () => {
    const server = new TestServer(lab);
    const name = (n: number, said: string) => {
      const { change, reply } = server.hear(
        ask("DISCOVER", { mac: mac(n), options: { [option.hostName]: said } }),
      );
      const given = reply && textOption(reply.packet.options, option.hostName);
      return [change?.type === "set" ? change.lease.hostName : undefined, given];
    };
    expect(name(1, "other")).toEqual(["node1", "node1"]);
    expect(name(5, "Printer.example")).toEqual(["printer", undefined]);
    expect(name(6, "node1")).toEqual([undefined, undefined]);
    expect(name(8, "a b; rm")).toEqual([undefined, undefined]);
  });

  test("are told their name in the form of option 81 that they use (RFC 4702)", () => {
    const server = new TestServer(lab);
    const encoded = Buffer.concat([Buffer.of(4, 0, 0, 4), Buffer.from("mine"), Buffer.of(0)]);
    const { reply } = server.hear(
      ask("DISCOVER", { mac: mac(5), options: { [option.clientFqdn]: encoded } }),
    );
    expect(reply?.packet.options.get(option.clientFqdn)).toEqual(
      Buffer.concat([Buffer.of(7, 255, 255), Buffer.from("\u0004mine\u0003lab\u0004test\0")]),
    );
  });

  test("are answered in BOOTP, strangers are not", () => {
    const server = new TestServer(lab);
    const answer = server.hear(ask("BOOTP", { mac: mac(1) }));
    expect(brief(answer)).toBe("BOOTREPLY 10.88.0.50 to 255.255.255.255:68");
    expect(answer.reply?.packet.options.has(option.messageType)).toBe(false);
    expect(brief(server.hear(ask("BOOTP", { mac: mac(9) })))).toMatch(/need an address of their own/);
  });
});

test("by a relay: the answer goes to it, with its option 82 as it came", () => {
  const server = new TestServer();
  const circuit = Buffer.of(1, 4, 1, 2, 3, 4);
  const answer = server.hear(
    ask("DISCOVER", { giaddr: "10.88.0.3", options: { [option.relayAgent]: circuit } }),
  );
  expect(brief(answer)).toBe("OFFER 10.88.0.50 to 10.88.0.3:67");
  expect(answer.reply?.packet.options.get(option.relayAgent)).toEqual(circuit);
  expect(answer.reply?.packet.giaddr).toBe("10.88.0.3");
  const nak = server.hear(ask("REQUEST", { giaddr: "10.88.0.3", options: requested("1.2.3.4") }));
  expect(nak.reply).toMatchObject({
    type: "NAK",
    to: { address: "10.88.0.3", port: 67 },
    packet: { broadcast: true },
  });
});

test("the network's raw options are given as they are, and win", () => {
  const network = {
    ...testNetwork,
    options: [
      { code: 6, value: Buffer.of(9, 9, 9, 9) },
      { code: 150, value: Buffer.of(1) },
    ],
  };
  const { reply } = new TestServer(testLab({ networks: [network] })).hear(ask("DISCOVER"));
  expect(reply?.packet.options.get(150)).toEqual(Buffer.of(1));
  expect(addressOption(reply!.packet.options, 6)).toBe("9.9.9.9");
});

test("a network without DHCP stays silent", () => {
  const server = new TestServer(testLab({ networks: [{ ...testNetwork, mode: "none" }] }));
  expect(server.hear(ask("DISCOVER")).reply).toBeUndefined();
});
