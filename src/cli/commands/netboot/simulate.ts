import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { errorCodes, messageOf, SlipwayError } from "../../../base/errors.js";
import type { Cli } from "../../cli.js";
import { defineCommand } from "../../command.js";
import { usage } from "../../usage.js";
import { inventoryArgument } from "./inventory-argument.js";

/** As `simulatedFirmwares`, which the command line does not load to say its help. */
const firmwares = [
  ...["bios", "uefi-x64", "uefi-ia32", "uefi-arm64", "uefi-http", "uefi-http-arm64", "ipxe"],
] as const;

export const simulate = defineCommand({
  name: "netboot simulate",
  summary: "Boot a machine that is not there: show what it would get, step by step, and why",
  description: `Builds the packets that such a machine sends, and gives them to the very handlers that serve, without a network and without a trace: leases and machines' lives begin and end with it. Shows every packet with its options, the scripts, the kernel's arguments and the final Ignition config, and for each decision why it fell so. The exit code is ${errorCodes.CONFIG_INVALID.exitCode} when the machine would not boot.`,
  arguments: [inventoryArgument],
  flags: {
    mac: { type: "string", value: "MAC", summary: "The machine's MAC address" },
    firmware: {
      type: "string",
      value: "KIND",
      choices: firmwares,
      default: "bios",
      summary: "What it starts with; ipxe: a card whose ROM is iPXE",
    },
    label: {
      type: "strings",
      value: "KEY=VALUE",
      summary: "What it says of itself, as serial=A1; repeatable",
    },
    uuid: { type: "string", value: "UUID", summary: "Its SMBIOS UUID" },
    pcap: {
      type: "string",
      value: "FILE",
      summary:
        "Replay what clients said in a capture (pcap, pcapng), and show both answers; --mac: of one machine",
      complete: "file",
    },
    approved: { type: "boolean", summary: "As if it had been approved" },
    interface: {
      type: "string",
      value: "NAME",
      summary: "The lab's network that it is on; or this host's, for labs that name none",
    },
    "dhcp-range": {
      type: "string",
      value: "FIRST-LAST",
      summary: "With --interface, for labs that name no network: lease these; without it proxyDHCP",
    },
  },
  outputs: ["text", "json", "yaml"],
  examples: [
    ["netboot simulate lab/ --mac 52:54:00:00:00:01", "a machine with a BIOS"],
    ["netboot simulate lab/ --mac 52:54:00:00:00:01 --firmware uefi-http -o json", "in CI"],
    ["netboot simulate lab/ --pcap boot.pcap", "what it would have answered, beside what was answered"],
  ],
  async run(cli, [lab], flags) {
    if (flags.pcap !== undefined) return replay(cli, lab!, flags.pcap, flags);
    if (flags.mac === undefined) {
      throw usage(
        "netboot simulate needs the machine's MAC address",
        `slipway netboot simulate ${lab} --mac …`,
      );
    }
    const [{ parseMac }, { parseUuid, defaultUuid }, { simulateBoot }, { storyText }, { networkOf }] =
      await Promise.all([
        import("../../../net/mac.js"),
        import("../../../netboot/simulate/uuid.js"),
        import("../../../netboot/simulate/simulate-boot.js"),
        import("./simulate-text.js"),
        import("../../../netboot/simulate/prepare.js"),
      ]);
    const mac = parseMac(flags.mac);
    const labels = labelsOf(flags.label);
    const uuid = flags.uuid === undefined ? (labels.uuid ?? defaultUuid(mac)) : parseUuid(flags.uuid);
    const firmware = firmwares.find((name) => name === flags.firmware)!;
    await using server = await unpluggedServer(cli, lab!, flags);
    if (flags.approved) await server.lives.admin(mac, "approve");
    const own = server.snapshot.machines.byMac.get(mac)?.address;
    const network = networkOf(server.networks, flags.interface, own);
    const simulation = await simulateBoot({ server, network, machine: { mac, firmware, uuid, labels } });
    await cli.show(simulation, () => storyText(simulation));
    return simulation.boots ? 0 : errorCodes.CONFIG_INVALID.exitCode;
  },
});

async function replay(
  cli: Cli,
  lab: string,
  file: string,
  flags: { mac?: string | undefined; interface?: string | undefined; "dhcp-range"?: string | undefined },
): Promise<number> {
  const [{ replayCapture }, { readCapture }, { replayText }, { networkOf }, { parseMac }] = await Promise.all(
    [
      import("../../../netboot/simulate/replay/replay.js"),
      import("../../../netboot/simulate/replay/capture.js"),
      import("./replay-text.js"),
      import("../../../netboot/simulate/prepare.js"),
      import("../../../net/mac.js"),
    ],
  );
  const mac = flags.mac === undefined ? undefined : parseMac(flags.mac);
  const packets = readCapture(await readBytes(resolve(cli.workingDirectory, file), file), file);
  await using server = await unpluggedServer(cli, lab, flags);
  const network = networkOf(server.networks, flags.interface, undefined);
  const result = await replayCapture(packets, { server, network, mac });
  await cli.show(result, () => replayText(result));
  return 0;
}

async function readBytes(path: string, name: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new SlipwayError("USAGE", `${name} cannot be read: ${messageOf(cause)}`, { cause });
  });
}

/** The server of a lab, with the networks that `netboot serve` would have. */
async function unpluggedServer(
  { context, workingDirectory }: Cli,
  lab: string,
  flags: { interface?: string | undefined; "dhcp-range"?: string | undefined },
) {
  const [{ validSnapshot }, { UnpluggedServer }, { networkOnInterface }, { loadBootFiles }] =
    await Promise.all([
      import("../../../netboot/simulate/prepare.js"),
      import("../../../netboot/simulate/unplugged-server.js"),
      import("../../../netboot/serve/networks.js"),
      import("../../../netboot/boot-files/ipxe.js"),
    ]);
  const snapshot = await validSnapshot(resolve(workingDirectory, lab));
  const range = flags["dhcp-range"];
  const networks =
    snapshot.networks.length > 0 || flags.interface === undefined
      ? snapshot.networks
      : [
          await networkOnInterface(
            { interface: flags.interface, ...(range === undefined ? {} : { range }) },
            context.signal,
          ),
        ];
  const files = await loadBootFiles({}, context);
  return new UnpluggedServer({
    snapshot,
    networks,
    bootFiles: new Map([...files].map(([name, { bytes }]) => [name, bytes])),
    clock: context.clock,
  });
}

function labelsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      if (key === undefined || value === undefined)
        throw usage(`--label ${word} is no KEY=VALUE`, "--label serial=A1");
      return [key, value];
    }),
  );
}
