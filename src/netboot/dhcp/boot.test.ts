import { describe, expect, test } from "vitest";
import type { Quirk } from "../inventory/types.js";
import { observationOf } from "./observations.js";
import { option, textOption } from "./options.js";
import { ask, clientArch, type Said, TestServer, testLab, testMachine, testNetwork } from "./testing.js";

const mac = "52:54:00:00:00:01";
const uuid = Buffer.concat([Buffer.of(0), Buffer.alloc(16, 7)]);

/** As firmware asks; 43, 60, 66, 67 and more are on its list. */
const pxe = (architecture: number, more: Said = {}): Said => ({
  ...more,
  options: {
    [option.vendorClass]: `PXEClient:Arch:${String(architecture).padStart(5, "0")}:UNDI:003016`,
    [option.clientArch]: clientArch(architecture),
    [option.clientUuid]: uuid,
    [option.parameterList]: Buffer.of(1, 3, 43, 60, 66, 67),
    ...more.options,
  },
});
const http = (architecture: number): Said =>
  pxe(architecture, {
    options: { [option.vendorClass]: `HTTPClient:Arch:${String(architecture).padStart(5, "0")}:UNDI:003001` },
  });
/** iPXE with its features: HTTP among them, or not. */
const ipxe = (userClass: Uint8Array | string, features = Buffer.of(19, 1, 1, 33, 1, 1)): Said =>
  pxe(0, { options: { [option.userClass]: userClass, [option.ipxe]: features } });

const full = (said: Said, quirks: Quirk[] = []) =>
  new TestServer(testLab({ machines: [testMachine("node1", mac, { quirks })] })).hear(ask("DISCOVER", said))
    .reply!.packet;

const script = "http://10.88.0.1:8080/boot.ipxe";

describe("what boots there, and what it gets", () => {
  test.each([
    ["BIOS", pxe(0), "undionly.kpxe"],
    ["UEFI x64", pxe(7), "ipxe.efi"],
    ["UEFI x64 that says EBC", pxe(9), "ipxe.efi"],
    ["UEFI arm64", pxe(11), "ipxe-arm64.efi"],
    ["UEFI HTTP x64", http(16), "http://10.88.0.1:8080/boot-files/ipxe.efi"],
    ["UEFI HTTP arm64", http(19), "http://10.88.0.1:8080/boot-files/ipxe-arm64.efi"],
    [
      "a ROM without option 93",
      { options: { [option.vendorClass]: "PXEClient:Arch:00007:UNDI:003016" } },
      "ipxe.efi",
    ],
    ["iPXE, class as bare text", ipxe("iPXE"), script],
    ["iPXE, class of RFC 3004", ipxe(Buffer.from("\u0004iPXE")), script],
    ["our iPXE", ipxe("slipway"), script],
    ["our iPXE among other classes", ipxe(Buffer.from("\u0003abc\u0007slipway")), script],
    ["iPXE that does not say what it can", pxe(0, { options: { [option.userClass]: "iPXE" } }), script],
    ["iPXE that cannot fetch by HTTP", ipxe("iPXE", Buffer.of(33, 1, 1)), "tftp://10.88.0.1/undionly.kpxe"],
    ["UEFI ia32, for which there is no build here", pxe(6), ""],
    ["an architecture that nobody knows", pxe(999), ""],
    ["a system that runs", { options: { [option.vendorClass]: "MSFT 5.0" } }, ""],
  ])("%s", (_, said, file) => {
    const packet = full(said);
    expect(packet.file).toBe(file);
    expect(packet.siaddr).toBe(file === "" ? "0.0.0.0" : "10.88.0.1");
    const asked = said.options?.[option.parameterList] !== undefined;
    expect(textOption(packet.options, option.bootFile) ?? "").toBe(asked ? file : "");
  });

  test("only HTTP boot needs its class repeated; iPXE need not wait for a proxy", () => {
    expect(textOption(full(http(16)).options, option.vendorClass)).toBe("HTTPClient");
    expect(full(pxe(7)).options.has(option.vendorClass)).toBe(false);
    expect(full(pxe(7)).options.has(option.vendorOptions)).toBe(false);
    expect(full(ipxe("iPXE")).options.get(option.ipxe)).toEqual(Buffer.of(176, 1, 1));
  });

  test("the chain ends: what is loaded asks again and gets the script", () => {
    expect(full(ipxe("iPXE", Buffer.of(33, 1, 1))).file).toBe("tftp://10.88.0.1/undionly.kpxe");
    expect(full(ipxe("iPXE")).file).toBe(script);
  });

  describe("files of the user's own", () => {
    const place = { file: "lab.yaml" };
    const file = (name: string) => ({ name, directory: "/lab", path: `tftp/${name}`, place });
    const own = {
      "uefi-ia32": file("ia32.efi"),
      "uefi-arm64": file("arm64.efi"),
      "uefi-x64": file("x64.efi"),
    };
    const server = (there: string[], machines = [testMachine("node1", "52:54:00:00:00:02")]) => {
      const lab = testLab({ machines });
      const [served] = lab.networks;
      const files = new Set(["undionly.kpxe", "ipxe.efi", ...there]);
      return new TestServer({ ...lab, networks: [{ ...served!, boot: { ...served!.boot, own, files } }] });
    };
    const there = ["ia32.efi", "arm64.efi", "x64.efi", "grub.efi"];
    const offered = (said: Said, machines?: ReturnType<typeof testMachine>[]) =>
      server(there, machines).hear(ask("DISCOVER", said)).reply!.packet.file;

    test.each([
      ["by architecture", pxe(6), "ia32.efi"],
      ["rather than Debian's", pxe(7), "x64.efi"],
      ["for HTTP boot, too", http(19), "http://10.88.0.1:8080/boot-files/arm64.efi"],
      ["iPXE gets its script", ipxe("iPXE"), script],
    ])("%s", (_, said, expected) => expect(offered(said)).toBe(expected));

    test("an iPXE without HTTP gets Debian's, as the user's own may be the very one", () => {
      const said = pxe(7, { options: { [option.userClass]: "iPXE", [option.ipxe]: Buffer.of(33, 1, 1) } });
      expect(offered(said)).toBe("tftp://10.88.0.1/ipxe.efi");
    });

    test("a machine's own goes before", () => {
      const machines = [testMachine("node1", mac, { bootFile: file("grub.efi") })];
      expect(offered(pxe(7, { mac }), machines)).toBe("grub.efi");
      expect(offered(pxe(7, { mac: "52:54:00:00:00:02" }), machines)).toBe("x64.efi");
      expect(offered({ ...ipxe("iPXE"), mac }, machines)).toBe(script);
    });

    test("one that is not there is told of, with what to do, and none is named", () => {
      const answer = server([]).hear(ask("DISCOVER", pxe(11)));
      expect(answer.reply!.packet.file).toBe("");
      expect(answer.noBootFile).toBe(
        "uefi-arm64 (option 93 is 11): bootFiles in lab.yaml names tftp/arm64.efi, and there is no such file; put it there",
      );
      const observation = observationOf(answer, ask("DISCOVER", pxe(11)), "dhcp", new Date(0));
      expect(observation).toMatchObject({ outcome: "ok", details: { noBootFile: answer.noBootFile } });
    });
  });

  test("quirk snponly", () => expect(full(pxe(7), ["snponly"]).file).toBe("snponly.efi"));

  test("a URL that is too long for the header is in option 67, whether it is asked for or not", () => {
    const lab = testLab();
    const url = `http://${"boot".repeat(40)}.test`;
    const [served] = lab.networks;
    const server = new TestServer({
      ...lab,
      networks: [{ ...served!, boot: { ...served!.boot, http: url } }],
    });
    const { packet } = server.hear(ask("DISCOVER", { options: { [option.userClass]: "iPXE" } })).reply!;
    expect(packet.file).toBe("");
    expect(textOption(packet.options, option.bootFile)).toBe(`${url}/boot.ipxe`);
  });

  test("a Raspberry Pi by its address: the menu that its ROM looks for", () => {
    const packet = full(pxe(0, { mac: "dc:a6:32:00:00:01" }));
    expect(packet.options.get(option.vendorOptions)?.toString("latin1")).toContain("Raspberry Pi Boot");
    expect([packet.siaddr, packet.file]).toEqual(["10.88.0.1", ""]);
  });

  test("a Raspberry Pi with another address, by its identifier", () => {
    const id = Buffer.concat([Buffer.of(0), Buffer.from("RPi4"), Buffer.alloc(12, 1)]);
    const packet = full(pxe(0, { options: { [option.clientUuid]: id } }));
    expect(packet.options.get(option.vendorOptions)?.toString("latin1")).toContain("Raspberry Pi Boot");
  });

  test("a machine that is not to boot gets an address, and no file", () => {
    const server = new TestServer(testLab({ netboots: () => false }));
    const { reply, because } = server.hear(ask("DISCOVER", pxe(0)));
    const { packet } = reply!;
    expect([packet.yiaddr, packet.file, packet.siaddr]).toEqual(["10.88.0.50", "", "0.0.0.0"]);
    expect(because).toBe("it is not to boot from the network now");
    expect(server.decisions).toContainEqual(
      expect.objectContaining({
        about: "boot file",
        chosen: undefined,
        because: "it is not to boot from the network now",
      }),
    );
  });

  test("why is told", () => {
    const server = new TestServer();
    server.hear(ask("DISCOVER", pxe(7)));
    expect(server.decisions).toContainEqual({
      about: "boot file",
      chosen: "ipxe.efi",
      because: "uefi-x64 (option 93 is 7)",
      others: [{ candidate: script, because: "only iPXE understands it (no user class iPXE in option 77)" }],
    });
  });
});

describe("beside another DHCP server (PXE 2.1 §2.2)", () => {
  const proxy = (quirks: Quirk[] = []) =>
    new TestServer(
      testLab({
        networks: [{ ...testNetwork, mode: "proxy" }],
        machines: [testMachine("node1", mac, { quirks })],
      }),
    );
  const skipDiscovery = Buffer.of(6, 1, 8, 255);

  /** File and option 43 of the offer, then of the ACK on port 4011. */
  function both(said: Said, quirks?: Quirk[]) {
    const server = proxy(quirks);
    const offer = server.hear(ask("DISCOVER", said)).reply;
    const ack = server.hear(ask("REQUEST", { ...said, ciaddr: "10.88.0.99" }), { port: 4011 }).reply;
    return [offer, ack].map(
      (reply) => reply && [reply.packet.file, reply.packet.options.get(option.vendorOptions)],
    );
  }

  test("BIOS is told at once; UEFI comes to port 4011", () => {
    expect(both(pxe(0))).toEqual([
      ["undionly.kpxe", skipDiscovery],
      ["undionly.kpxe", skipDiscovery],
    ]);
    expect(both(pxe(7))).toEqual([
      ["", undefined],
      ["ipxe.efi", undefined],
    ]);
  });

  test("quirks turn that round, or leave option 43 out", () => {
    expect(both(pxe(0), ["use-4011"])[0]).toEqual(["", undefined]);
    expect(both(pxe(7), ["no-4011"])[0]).toEqual(["ipxe.efi", skipDiscovery]);
    expect(both(pxe(0), ["no-vendor-options"])[0]).toEqual(["undionly.kpxe", undefined]);
  });

  test("an offer has no address and no lease, and names this server, the class and the client's UUID", () => {
    const server = proxy();
    const answer = server.hear(ask("DISCOVER", pxe(7)));
    expect(answer.change).toBeUndefined();
    const { packet, to } = answer.reply!;
    expect(to).toEqual({ address: "255.255.255.255", port: 68 });
    expect([packet.yiaddr, packet.siaddr]).toEqual(["0.0.0.0", "10.88.0.1"]);
    expect([...packet.options.keys()].sort((a, b) => a - b)).toEqual([53, 54, 60, 97]);
    expect(textOption(packet.options, option.vendorClass)).toBe("PXEClient");
    expect(packet.options.get(option.clientUuid)).toEqual(uuid);
  });

  test("HTTP boot and iPXE have it all in the offer", () => {
    expect(both(http(16))[0]).toEqual(["http://10.88.0.1:8080/boot-files/ipxe.efi", undefined]);
    expect(both(ipxe("iPXE"))[0]).toEqual([script, skipDiscovery]);
  });

  test("what a client chose of a menu comes back to it", () => {
    const server = proxy();
    const said = pxe(7, { options: { [option.vendorOptions]: Buffer.of(71, 4, 0, 9, 0, 0, 255) } });
    const { packet } = server.hear(ask("REQUEST", said), { port: 4011 }).reply!;
    expect(packet.options.get(option.vendorOptions)).toEqual(Buffer.of(6, 1, 8, 71, 4, 0, 9, 0, 0, 255));
  });

  test("all others are none of its business", () => {
    const server = proxy();
    expect(server.hear(ask("DISCOVER")).reply).toBeUndefined();
    expect(server.hear(ask("REQUEST", pxe(0))).reply).toBeUndefined();
    expect(server.hear(ask("DISCOVER", pxe(6))).reply).toBeUndefined();
    expect(server.hear(ask("RELEASE", pxe(0)), { port: 4011 }).reply).toBeUndefined();
  });
});
