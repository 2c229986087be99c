import * as z from "zod";
import { parseAddress } from "../../net/address.js";
import { parseCidr } from "../../net/cidr.js";
import { parseMac } from "../../net/mac.js";
import { checkDomain } from "../../spec/names.js";
import { eachParsedBy, parsedBy } from "../../spec/parsed-by.js";
import { shown, valueInvalid } from "../../spec/problems.js";
import { apiVersion } from "../../spec/schema.js";
import { parseLeaseTime, parseOption, parseRange } from "./lab-values.js";
import { type BootFileFirmware, bootFileFirmwares, quirks } from "./types.js";

/** In matchbox's layout ids are names of files, those of boot profiles paths. */
const checkId = (id: string): void => {
  const parts = id.split("/");
  if (parts.every((part) => /^[^.\p{Cc}\\][^\p{Cc}\\]*$/u.test(part)) && Buffer.byteLength(id) <= 200) return;
  throw valueInvalid(
    `${shown(id)} cannot be an id: it must do as the name of a file, and not begin with a dot`,
  );
};

const checkGroupId = (id: string): void => {
  checkId(id);
  if (id.includes("/")) throw valueInvalid(`${shown(id)} cannot be a group's id: it has a slash`);
};

const checkIpv4 = (text: string): void => {
  if (parseAddress(text).family === 6) throw valueInvalid(`${shown(text)} is IPv6; machines boot over IPv4`);
};

const checkSubnet = (text: string): void => {
  const { family, prefixLength } = parseCidr(text);
  if (family === 6) throw valueInvalid(`${shown(text)} is IPv6; machines boot over IPv4`);
  if (prefixLength > 30) throw valueInvalid(`${shown(text)} has no room for machines; at most a /30`);
};

/** `1.1.1.1` or `1.1.1.1:53` */
const checkServer = (text: string): void => {
  const [, address = text, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  checkIpv4(address);
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw valueInvalid(`${shown(text)}: ${port} is not a port`);
  }
};

const checkUrl = (text: string): void => {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return;
  throw valueInvalid(`${shown(text)} is not an http or https URL`);
};

/** It is served by its path: one in the lab's directory. */
const checkBootFile = (text: string): void => {
  const parts = text.split("/");
  if (!text.startsWith("/") && !parts.includes("..") && !/[\p{Cc}\\]/u.test(text) && !text.endsWith("/"))
    return;
  throw valueInvalid(`${shown(text)} cannot be a boot file: write the path of a file in the lab's directory`);
};

const ipv4 = z.string().check(parsedBy(checkIpv4));
const port = z.int().min(1).max(65_535);
const path = z.string().min(1, "is empty; write a path");
const firmwareTexts: Record<BootFileFirmware, string> = {
  bios: "For a BIOS",
  "uefi-ia32": "For UEFI of 32 bits on x86",
  "uefi-x64": "For UEFI on x64",
  "uefi-arm32": "For UEFI on 32-bit ARM",
  "uefi-arm64": "For UEFI on arm64",
  "uefi-http-ia32": "For HTTP boot. Default: that of uefi-ia32",
  "uefi-http-x64": "For HTTP boot. Default: that of uefi-x64",
  "uefi-http-arm32": "For HTTP boot. Default: that of uefi-arm32",
  "uefi-http-arm64": "For HTTP boot. Default: that of uefi-arm64",
};
const bootFile = path.check(parsedBy(checkBootFile));

const option = z
  .strictObject({
    code: z.int().min(1).max(254).meta({ description: "The option's number (RFC 2132)" }),
    text: z.string().optional().meta({ description: "The value is this text" }),
    hex: z
      .string()
      .optional()
      .meta({ description: "The value is these bytes", examples: ["0a580001"] }),
    addresses: z.array(ipv4).min(1).optional().meta({ description: "The value is these addresses" }),
    uint8: z.int().min(0).max(0xff).optional().meta({ description: "The value is a number of one byte" }),
    uint16: z.int().min(0).max(0xffff).optional().meta({ description: "The value is a number of two bytes" }),
    uint32: z.int().min(0).max(0xffff_ffff).optional().meta({
      description: "The value is a number of four bytes",
    }),
  })
  .check(parsedBy(parseOption))
  .meta({ description: "A further DHCP option: its number, and its value in one of the forms" });

const network = z
  .strictObject({
    interface: z.string().min(1).max(15).optional().meta({
      description: "Interface that it is on; without one it is reached through relays only",
    }),
    address: ipv4.meta({ description: "This server's address there" }),
    subnet: z
      .string()
      .check(parsedBy(checkSubnet))
      .meta({ description: "CIDR", examples: ["10.88.0.0/24"] }),
    mode: z.enum(["dhcp", "proxy", "none"]).meta({
      description:
        "dhcp: leases and boot information; proxy: boot information beside another DHCP server; none: neither",
    }),
    range: z
      .string()
      .check(parsedBy(parseRange))
      .optional()
      .meta({
        description: "First and last address to lease",
        examples: ["10.88.0.50-10.88.0.99"],
      }),
    router: ipv4.optional().meta({ description: "Default gateway" }),
    dns: z.array(ipv4).optional().meta({ description: "DNS servers. Default: this server's address" }),
    ntp: z.array(ipv4).optional().meta({ description: "NTP servers" }),
    domain: z.string().check(parsedBy(checkDomain)).optional().meta({ description: "DNS domain" }),
    leaseTime: z
      .string()
      .check(parsedBy(parseLeaseTime))
      .optional()
      .meta({ description: "How long a lease holds. Default: 1h", examples: ["1h", "12h"] }),
    probe: z.boolean().optional().meta({
      description:
        "Whether an address that nobody has a lease of is asked for, by ARP or through relays by ping, before it is offered. Default: true",
    }),
    options: z.array(option).optional().meta({ description: "Further DHCP options" }),
  })
  .meta({ description: "A network that machines boot on" });

const labels = z.record(z.string(), z.string());

const checkSelector = eachParsedBy<string>((key, value) => {
  if (key.toLowerCase() === "mac") parseMac(value);
});

const metadata = z.record(z.string(), z.json()).meta({ description: "Values for the templates" });

const machine = z
  .strictObject({
    name: z.string().check(parsedBy(checkDomain)).meta({ description: "Its host name" }),
    mac: z.string().check(parsedBy(parseMac)).meta({ description: "MAC address it boots with" }),
    address: ipv4.optional().meta({ description: "Leased to this machine only" }),
    labels: labels
      .optional()
      .meta({ description: "Labels added to what the machine says of itself; these win" }),
    bootFile: bootFile.optional().meta({
      description:
        "File in the lab's directory that its firmware loads first, rather than iPXE as bootFiles has it",
    }),
    quirks: z.array(z.enum(quirks)).optional().meta({ description: "How its firmware is spoken to" }),
    profile: z.string().optional().meta({
      description: "Id of its boot profile: short for a group of this machine alone",
    }),
    metadata: metadata.optional(),
  })
  .meta({ description: "A machine" });

const install = z.enum(["once"]).optional().meta({
  description:
    "once: after it has reported that it is installed, a machine boots from its disk until it is reset",
});

const group = z
  .strictObject({
    id: z.string().check(parsedBy(checkGroupId)).meta({ description: "What the group is called" }),
    name: z.string().optional().meta({ description: "A name for people" }),
    profile: z.string().meta({ description: "Id of the boot profile" }),
    selector: labels
      .check(checkSelector)
      .optional()
      .meta({
        description: "Labels that a machine must have, all of them. Default: none, which takes every machine",
        examples: [{ mac: "52:54:00:b2:2f:86" }],
      }),
    metadata: metadata.optional(),
    install,
  })
  .meta({ description: "Which machines boot which boot profile" });

const config = (what: string) =>
  z
    .string()
    .min(1, "is empty; write a path, or the text itself")
    .optional()
    .meta({ description: `${what}: the path of a file, or the text itself, of several lines` });

const profile = z
  .strictObject({
    id: z.string().check(parsedBy(checkId)).meta({ description: "What the boot profile is called" }),
    name: z.string().optional().meta({ description: "A name for people" }),
    kernel: z
      .string()
      .optional()
      .meta({ description: "URL of the kernel, or a path on this server", examples: ["/assets/vmlinuz"] }),
    initrd: z.array(z.string()).optional().meta({ description: "URLs of initial RAM disks" }),
    args: z.array(z.string()).optional().meta({ description: "Arguments of the kernel" }),
    ignition: config("Butane or Container Linux Config template, or (.ign, or JSON) an Ignition config"),
    cloud: config("Cloud-config template"),
    generic: config("Template of any other sort"),
    install,
    secret: z.boolean().optional().meta({
      description:
        "Whether its configurations hold secrets: each is then given once a boot, for a token in the boot script",
    }),
  })
  .meta({ description: "What a machine boots" });

const listen = {
  address: ipv4.optional().meta({ description: "Address to listen on. Default: all" }),
  port: port.optional().meta({ description: "Port to listen on" }),
};
const certificate = path.meta({ description: "PEM file of the certificate, and of those above it" });
const key = path.meta({ description: "PEM file of the private key" });

/** What the user writes. */
export const labSchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion).meta({ description: "The version of this format" }),
    kind: z.literal("Lab").meta({ description: "Always Lab" }),
    network: network.optional(),
    networks: z
      .array(network)
      .optional()
      .meta({ description: "Instead of network, where there are several" }),
    dns: z
      .strictObject({
        records: z
          .record(z.string(), z.union([ipv4, z.array(ipv4).min(1)]))
          .check(eachParsedBy((name) => checkDomain(name)))
          .optional()
          .meta({ description: "Addresses by name; each name stands for all names below it too" }),
        forward: z
          .array(z.string().check(parsedBy(checkServer)))
          .optional()
          .meta({ description: "Servers that other questions go to", examples: [["1.1.1.1"]] }),
      })
      .optional()
      .meta({ description: "What the DNS server knows" }),
    machines: z.array(machine).optional().meta({ description: "The machines that are known" }),
    groups: z.array(group).optional().meta({ description: "Which machines boot what" }),
    profiles: z.array(profile).optional().meta({ description: "Boot profiles" }),
    approve: z.enum(["auto", "manual"]).optional().meta({
      description:
        "Which machines boot without slipway netboot approve: auto all, manual none. Default: those that are in machines, or that a group with a selector is for",
    }),
    assets: path
      .optional()
      .meta({ description: "Directory behind /assets/. Default: assets, when there is one" }),
    http: z
      .strictObject({
        ...listen,
        url: z.string().check(parsedBy(checkUrl)).optional().meta({
          description: "URL that machines reach it by, when not by its address and port",
        }),
        events: z.boolean().optional().meta({
          description:
            "Whether /events tells everybody what machines do, as server-sent events. Default: false",
        }),
        tls: z
          .strictObject({ ...listen, certificate, key })
          .optional()
          .meta({
            description: "HTTPS, on a port of its own",
          }),
      })
      .optional()
      .meta({ description: "The HTTP server" }),
    bootFiles: z
      .strictObject(
        Object.fromEntries(
          bootFileFirmwares.map((firmware) => [
            firmware,
            bootFile.optional().meta({ description: firmwareTexts[firmware] }),
          ]),
        ) as Record<BootFileFirmware, z.ZodOptional<typeof bootFile>>,
      )
      .optional()
      .meta({
        description:
          "Files in the lab's directory that firmware loads first, by its kind: an iPXE that speaks HTTP, or another loader. A file for uefi-x64 does for uefi-http-x64, too. Default: Debian's iPXE for bios and uefi-x64",
        examples: [{ "uefi-arm64": "ipxe-arm64.efi" }],
      }),
    tftp: z
      .strictObject({
        ...listen,
        directory: path.optional().meta({
          description:
            "Directory of further files, as a Raspberry Pi fetches them. Default: tftp, when there is one",
        }),
      })
      .optional()
      .meta({ description: "The TFTP server" }),
    grpc: z
      .strictObject({
        ...listen,
        certificate,
        key,
        ca: path.meta({ description: "PEM file of the authority that clients' certificates are of" }),
      })
      .optional()
      .meta({ description: "The gRPC server: matchbox's API, with TLS on both sides" }),
  })
  .meta({ title: "Lab", description: "Networks, machines and what they boot, as slipway netboot serves it" });

export type LabForm = z.infer<typeof labSchema>;
export type NetworkForm = NonNullable<LabForm["network"]>;
