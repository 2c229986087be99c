import type { Decision } from "../../../netboot/decision.js";
import type { ShownPacket } from "../../../netboot/simulate/show-packet.js";
import type {
  DhcpStep,
  HttpStep,
  ScriptStep,
  Simulation,
  Step,
  TftpStep,
} from "../../../netboot/simulate/story.js";
import { clean } from "../../output/board.js";
import { bytes } from "../../output/figures.js";

/** A simulated boot, for people: in the order in which it happens. */
export function storyText(simulation: Simulation): string {
  const { steps, kernel, ignition, end, boots } = simulation;
  return [
    headText(simulation),
    ...steps.map(stepText),
    ...(kernel
      ? [
          section("Kernel", [
            kernel.url,
            ...kernel.initrds.map((url) => `initrd ${url}`),
            "arguments:",
            ...indented(kernel.args),
          ]),
        ]
      : []),
    ...(ignition ? [section("Ignition config", JSON.stringify(ignition, undefined, 2).split("\n"))] : []),
    [
      boots ? `It boots: ${clean(end.because)}` : `It does not boot. ${end.at}: ${clean(end.because)}`,
      ...(end.fix === undefined ? [] : [`  try  ${end.fix}`]),
    ].join("\n"),
  ].join("\n\n");
}

function headText({ machine, network }: Simulation): string {
  const { mac, name, firmware, uuid, labels } = machine;
  const said = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [
    [name, mac, firmware, ...said].filter((part) => part !== undefined).join("  "),
    `uuid ${uuid}`,
    network
      ? `on ${network.interface ?? "a relayed network"}, ${network.subnet}; the server is ${network.address} (${modes[network.mode]})`
      : "on a network that the lab does not name",
  ].join("\n");
}

const modes = { dhcp: "DHCP", proxy: "proxyDHCP", none: "no DHCP" } as const;

const section = (title: string, lines: readonly string[]): string => [title, ...indented(lines)].join("\n");
const indented = (lines: readonly string[]): string[] =>
  lines.map((line) => {
    const text = line.trimStart();
    return text === "" ? "" : `  ${" ".repeat(line.length - text.length)}${clean(text)}`;
  });

function stepText(step: Step): string {
  switch (step.step) {
    case "dhcp":
      return dhcpText(step);
    case "tftp":
      return tftpText(step);
    case "http":
      return httpText(step);
    case "script":
      return scriptText(step);
    case "note":
      return `(${clean(step.text)})`;
  }
}

function dhcpText({ stage, port, request, reply, because, decisions }: DhcpStep): string {
  const who = stage === "ipxe" ? "iPXE" : "the firmware";
  return section(`DHCP ${request.type} of ${who} → port ${port}: ${reply?.type ?? "no answer"}`, [
    ...packetLines(request),
    ...(reply ? [`answer ${reply.type}`, ...packetLines(reply)] : []),
    ...(because === undefined ? [] : [`because ${because}`]),
    ...decisionLines(decisions),
  ]);
}

const packetLines = ({ header, options }: ShownPacket): string[] => [
  `  ${Object.entries(header)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")}`,
  ...options.map(({ code, name, value }) => `  ${String(code).padStart(3)} ${name.padEnd(24)} ${value}`),
];

function tftpText({ file, server, asked, granted, bytes: size, error }: TftpStep): string {
  const pairs = (options: Record<string, string>) =>
    Object.entries(options)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  return section(`TFTP ${file} from ${server}`, [
    `asked for ${pairs(asked)}`,
    error === undefined ? `${bytes(size ?? 0)}; granted ${pairs(granted)}` : `error: ${error}`,
  ]);
}

function httpText(step: HttpStep): string {
  const { client, method, url, status, contentType, error, group, profile, decisions } = step;
  const facts = [
    `${status}${contentType === undefined ? "" : ` ${contentType}`}, ${bytes(step.bytes)}`,
    ...(group === undefined ? [] : [`group ${group}`]),
    ...(profile === undefined ? [] : [`boot profile ${profile}`]),
  ];
  return section(`${client} ${method} ${url}`, [
    facts.join(", "),
    ...(error === undefined ? [] : [`error: ${error}`]),
    ...decisionLines(decisions),
  ]);
}

function scriptText({ url, text, ran }: ScriptStep): string {
  return section(`Script ${url}`, [
    ...text.trimEnd().split("\n"),
    "runs:",
    ...ran.map(
      ({ line, command, result }) =>
        `  ${String(line).padStart(2)}  ${command}${result === undefined ? "" : `   → ${result}`}`,
    ),
  ]);
}

const decisionLines = (decisions: readonly Decision[]): string[] =>
  decisions.flatMap(({ about, chosen, because, others }) => [
    `${about}: ${chosen ?? "none"}, as ${because}`,
    ...others.map((other) => `  not ${other.candidate}: ${other.because}`),
  ]);
