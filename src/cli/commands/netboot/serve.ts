import { relative, resolve } from "node:path";
import { SlipwayError } from "../../../base/errors.js";
import type { LabNetwork } from "../../../netboot/inventory/types.js";
import type { Observation } from "../../../netboot/observation.js";
import { defineCommand } from "../../command.js";
import { bytes, seconds } from "../../output/figures.js";
import { inventoryArgument } from "./inventory-argument.js";

export const serve = defineCommand({
  name: "netboot serve",
  summary: "Serve a lab: DHCP or proxyDHCP, TFTP, DNS, HTTP and gRPC in one process",
  description:
    "Where the lab names no network (matchbox's layout knows none), --interface does: with --dhcp-range as its DHCP server, without it as proxyDHCP beside another one. A change of the lab's files goes live when the whole lab is valid.",
  arguments: [inventoryArgument],
  flags: {
    interface: { type: "string", value: "NAME", summary: "The machines' network, for labs that name none" },
    "dhcp-range": {
      type: "string",
      value: "FIRST-LAST",
      summary: "Lease these addresses on it; without it proxyDHCP beside another server",
    },
    address: { type: "string", value: "ADDRESS", summary: "HTTP: listen here rather than on every address" },
    port: { type: "string", value: "PORT", summary: "HTTP: listen on this port rather than 8080" },
    "key-ring": {
      type: "string",
      value: "FILE",
      summary: "Sign documents with this OpenPGP private key (paths with .sig and .asc)",
    },
    state: { type: "string", value: "DIR", summary: "Keep leases, machines and timelines here" },
  },
  outputs: ["text", "json"],
  examples: [
    ["netboot serve lab/", "as lab/lab.yaml says"],
    ["netboot serve /var/lib/matchbox --interface br0", "a matchbox directory, beside a DHCP server"],
  ],
  async run(cli, [lab], flags) {
    const path = resolve(cli.workingDirectory, lab!);
    const [
      { startNetboot },
      { labStateDirectory },
      { networkOnInterface },
      { loadBootFiles },
      { listenFlags },
    ] = await Promise.all([
      import("../../../netboot/serve/serve.js"),
      import("../../../netboot/serve/lab-state.js"),
      import("../../../netboot/serve/networks.js"),
      import("../../../netboot/boot-files/ipxe.js"),
      import("./listen-flags.js"),
    ]);
    const http = listenFlags(flags);
    const { context } = cli;
    const range = flags["dhcp-range"];
    if (range !== undefined && flags.interface === undefined) {
      throw new SlipwayError("USAGE", "--dhcp-range needs --interface: the network that it is a range of", {
        hint: `slipway netboot serve ${lab} --interface NAME --dhcp-range ${range}`,
      });
    }
    const networks =
      flags.interface === undefined
        ? []
        : [
            await networkOnInterface(
              { interface: flags.interface, ...(range === undefined ? {} : { range }) },
              context.signal,
            ),
          ];
    const ring = flags["key-ring"];
    const signer =
      ring === undefined
        ? undefined
        : await (await import("../../../netboot/http/sign.js")).Signer.load(
            resolve(cli.workingDirectory, ring),
          );
    const say = (line: string) => cli.print(line);
    await using server = await startNetboot(
      {
        lab: path,
        stateDirectory:
          flags.state === undefined
            ? labStateDirectory(context.paths, path)
            : resolve(cli.workingDirectory, flags.state),
        bootFiles: await loadBootFiles({}, context),
        networks,
        http,
        ...(signer ? { signer } : {}),
        onLoad: ({ live, problems }) => {
          const errors = problems.filter(({ severity }) => severity === "error").length;
          context.events(
            live
              ? { type: "info", message: "the lab changed; what is new serves" }
              : {
                  type: "warning",
                  message: `the lab changed and has ${errors} errors; the last good one goes on serving`,
                  hint: `slipway netboot lint ${lab}`,
                },
          );
        },
        onNetworks: (changes) => {
          for (const { network, outcome, why, hint } of changes) {
            const name = network.interface ?? network.subnet;
            context.events(
              outcome === "failed"
                ? {
                    type: "warning",
                    message: `${name} is not served whole, and tried again when the lab changes: ${why}`,
                    ...(hint === undefined ? {} : { hint }),
                  }
                : {
                    type: "info",
                    message: outcome === "gone" ? `${name}: served no more` : networkLine(network),
                  },
            );
          }
        },
        onObservation: (observation) =>
          say(cli.output === "json" ? JSON.stringify(observation) : observationLine(observation)),
      },
      context,
    );
    const shown = relative(cli.workingDirectory, path) || ".";
    context.events({ type: "info", message: `${shown} is served at ${server.httpUrl()}` });
    for (const network of server.networks()) {
      context.events({ type: "info", message: networkLine(network) });
    }
    if (server.networks().length === 0) {
      context.events({
        type: "warning",
        message: "no network is named, so only HTTP is served",
        hint: "name one in lab.yaml, which goes live at once, or by --interface",
      });
    }
    await new Promise<void>((stop) => context.signal.addEventListener("abort", () => stop(), { once: true }));
    return 0;
  },
});

const networkLine = ({ interface: name, address, mode }: LabNetwork): string =>
  `${name ?? "relays"}: ${networkRoles[mode]} at ${address}`;

const networkRoles = { dhcp: "DHCP, TFTP, DNS", proxy: "proxyDHCP, TFTP", none: "TFTP" } as const;

/** `13:05:09 52:54:00:00:00:01 http GET /ipxe node1 132 B 1 ms` */
export function observationLine(observation: Observation): string {
  const { time, mac, address, stage, what, outcome, bytes: size, durationMs, details } = observation;
  const { error, because, file, noBootFile, group, machine } = details;
  return [
    time.slice(11, 19),
    (mac ?? address ?? "-").padEnd(17),
    stage.padEnd(9),
    what,
    ...(outcome === "ok" ? [] : [`${outcome}:`]),
    ...[
      error ?? (outcome === "ok" ? undefined : because),
      file,
      noBootFile && `no boot file: ${noBootFile}`,
      machine ?? group,
    ].filter((part) => part !== undefined),
    ...(size === undefined ? [] : [bytes(size)]),
    ...(durationMs === undefined ? [] : [seconds(durationMs)]),
  ].join(" ");
}
