import { describe, expect, test } from "vitest";
import { labText } from "../convert/lab.js";
import { parseLab } from "../lab.js";
import { readConf, readFlags } from "./directives.js";
import { importDnsmasq } from "./import.js";

/** What a configuration becomes; always a lab that is valid. */
function imported(conf: string, options: { address?: string } = {}) {
  const result = importDnsmasq(readConf(conf, "d.conf"), options);
  const { problems } = parseLab(labText(result.lab), "lab.yaml", "/");
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return result;
}
const noted = (conf: string) =>
  imported(conf).notes.map(({ kind, option, message }) => `${kind} ${option}: ${message}`);

describe("options", () => {
  test("as flags, long and short, alone and together", () => {
    expect(
      readFlags([
        "-dq",
        "-i",
        "br0",
        "-F10.0.0.5,10.0.0.9",
        "--server",
        "1.1.1.1",
        "--dhcp-boot=a,b=c",
        "-R",
      ]),
    ).toEqual([
      { name: "no-daemon", value: "" },
      { name: "log-queries", value: "" },
      { name: "interface", value: "br0" },
      { name: "dhcp-range", value: "10.0.0.5,10.0.0.9" },
      { name: "server", value: "1.1.1.1" },
      { name: "dhcp-boot", value: "a,b=c" },
      { name: "no-resolv", value: "" },
    ]);
    expect(readFlags(["docker", "run", "--net=host", "quay.io/coreos/dnsmasq:v0.5", "-d"])).toHaveLength(1);
    expect(() => readFlags(["dhcp-range=1"])).toThrow('"dhcp-range=1" is no option of dnsmasq');
  });

  test("as a file", () => {
    expect(
      readConf('# comment\n\ninterface = br0 # the bridge\npxe-prompt="Boot, # now",5\nno-resolv\n', "f"),
    ).toEqual([
      { name: "interface", value: "br0", place: { file: "f", line: 3 } },
      { name: "pxe-prompt", value: "Boot, # now,5", place: { file: "f", line: 4 } },
      { name: "no-resolv", value: "", place: { file: "f", line: 5 } },
    ]);
  });
});

test("a network: range, netmask, lease time, interface, domain, options", () => {
  const { lab } = imported(`interface=br0
dhcp-range=10.88.0.1,10.88.0.99,255.255.0.0,12h
domain=Lab.Example
dhcp-option=3,10.88.0.254
dhcp-option=option:dns-server,0.0.0.0,1.1.1.1
dhcp-option=option:ntp-server,10.88.0.7
dhcp-option=26,1400
dhcp-option=option:domain-search,a.b,c
dhcp-option=252,http://wpad
server=1.1.1.1
`);
  expect(lab.network).toEqual({
    interface: "br0",
    address: "10.88.0.1",
    subnet: "10.88.0.0/16",
    mode: "dhcp",
    range: "10.88.0.2-10.88.0.99",
    leaseTime: "12h",
    router: "10.88.0.254",
    domain: "lab.example",
    dns: ["10.88.0.1", "1.1.1.1"],
    ntp: ["10.88.0.7"],
    options: [
      { code: 26, uint16: 1400 },
      { code: 119, hex: "0161016200016300" },
      { code: 252, text: "http://wpad" },
    ],
  });
  expect(lab.dns).toEqual({ forward: ["1.1.1.1"] });
});

test("proxy, several networks, reservations", () => {
  const { lab, notes } = imported(`dhcp-range=10.1.0.0,proxy
dhcp-range=10.2.0.10,10.2.0.20,255.255.255.0
dhcp-host=52:54:00:00:00:01,10.2.0.5,node1,infinite
dhcp-host=52:54:00:00:00:02,set:red
dhcp-host=node9,10.2.0.9
dhcp-host=52:54:00:00:00:03,ignore
dhcp-host=52:54:00:00:00:04,10.9.0.1,far
`);
  expect(lab.networks?.map(({ subnet, mode, range }) => [subnet, mode, range])).toEqual([
    ["10.1.0.0/24", "proxy", undefined],
    ["10.2.0.0/24", "dhcp", "10.2.0.10-10.2.0.20"],
  ]);
  expect(lab.machines).toEqual([
    { name: "node1", mac: "52:54:00:00:00:01", address: "10.2.0.5" },
    { name: "machine-525400000002", mac: "52:54:00:00:00:02" },
    { name: "far", mac: "52:54:00:00:00:04" },
  ]);
  const lost = notes.filter(({ kind }) => kind === "lost").map(({ option }) => option);
  expect(lost).toEqual([
    "",
    "d.conf:4 dhcp-host=52:54:00:00:00:02,set:red",
    "d.conf:5 dhcp-host=node9,10.2.0.9",
    "d.conf:6 dhcp-host=52:54:00:00:00:03,ignore",
    "",
  ]);
});

test("names and servers", () => {
  const { lab } = imported(
    "address=/a.lab/b.lab/10.0.0.1\naddress=/ads/\nhost-record=c.lab,10.0.0.2\nserver=9.9.9.9#5353\nserver=/corp/10.0.0.3\n",
  );
  expect(lab.dns).toEqual({
    records: { "a.lab": ["10.0.0.1"], "b.lab": ["10.0.0.1"], "c.lab": ["10.0.0.2"] },
    forward: ["9.9.9.9:5353"],
  });
});

test.each([
  [
    "dhcp-match=set:b,option:client-arch,0\ndhcp-boot=tag:b,undionly.kpxe",
    "built-in d.conf:2 dhcp-boot=tag:b,undionly.kpxe: slipway gives BIOS the iPXE that fits",
  ],
  [
    "dhcp-vendorclass=set:u,PXEClient:Arch:00007",
    "built-in d.conf:1 dhcp-vendorclass=set:u,PXEClient:Arch:00007: UEFI x64 is told by its option 93",
  ],
  ["dhcp-match=set:ipxe,175\ndhcp-boot=tag:!ipxe,ipxe.efi", "built-in d.conf:2 dhcp-boot=tag:!ipxe,ipxe.efi"],
  [
    "dhcp-boot=pxelinux.0",
    "lost d.conf:1 dhcp-boot=pxelinux.0: slipway boots machines by iPXE, and does not serve pxelinux.0",
  ],
  [
    "dhcp-boot=tag:x,ipxe.efi",
    "lost d.conf:1 dhcp-boot=tag:x,ipxe.efi: nothing that slipway knows sets the tag x",
  ],
  ["dhcp-boot=undionly.kpxe,server,10.0.0.9", "lost d.conf:1"],
  ['pxe-service=x86PC,"Install",undionly', "lost d.conf:1"],
  [
    "pxe-service=X86-64_EFI,Install,ipxe.efi",
    "built-in d.conf:1 pxe-service=X86-64_EFI,Install,ipxe.efi: slipway gives UEFI x64",
  ],
  ["pxe-prompt=Boot,5", "lost d.conf:1 pxe-prompt=Boot,5: slipway shows no PXE menu"],
  ["enable-tftp", "built-in d.conf:1 enable-tftp: TFTP is on"],
  ["log-dhcp", "built-in d.conf:1 log-dhcp"],
  ["dhcp-script=/bin/x", "lost d.conf:1 dhcp-script=/bin/x: slipway has nothing like it"],
  [
    "dhcp-option=tag:x,3,10.0.0.1\ndhcp-range=10.0.0.5,10.0.0.9",
    "lost d.conf:1 dhcp-option=tag:x,3,10.0.0.1: options are for a whole network",
  ],
])("%s", (conf, said) => {
  expect(noted(conf)).toContainEqual(expect.stringContaining(said));
});

test("the way to this server's script is kept", () => {
  const conf = "dhcp-userclass=set:ipxe,iPXE\ndhcp-boot=tag:ipxe,http://boot.lab:8080/boot.ipxe\n";
  expect(imported(conf).lab.http).toEqual({ url: "http://boot.lab:8080", port: 8080 });
  expect(noted(conf)).toContainEqual(expect.stringContaining("machines can resolve boot.lab"));
  expect(noted(`${conf}address=/lab/10.0.0.1`).join()).not.toContain("can resolve");
});
