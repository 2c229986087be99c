import type { Observation } from "../observation.js";

/** The steps of a boot, in their order; `aside` is what is no step: DNS, a person with curl, this server's own decisions. */
export const bootSteps = [
  "firmware-dhcp",
  "boot-file",
  "ipxe-dhcp",
  "script",
  "kernel",
  "system-dhcp",
  "config",
  "report",
] as const;
export type BootStep = (typeof bootSteps)[number];

export const stepTitles: Record<BootStep | "aside", string> = {
  "firmware-dhcp": "DHCP of the firmware",
  "boot-file": "boot file",
  "ipxe-dhcp": "DHCP of iPXE",
  script: "boot script",
  kernel: "kernel and initrd",
  "system-dhcp": "DHCP of the booted system",
  config: "configuration",
  report: "the node's reports",
  aside: "aside",
};

export const rankOf = (step: BootStep): number => bootSteps.indexOf(step);

/** Which step an observation belongs to. @param reached the furthest step of this boot so far */
export function stepOf(observation: Observation, reached: BootStep | undefined): BootStep | "aside" {
  const { stage, what, details } = observation;
  switch (stage) {
    case "dhcp":
    case "proxydhcp":
      return what === overheard ? overheardStep(reached) : dhcpStep(details, reached);
    case "tftp":
      return tftpStep(what);
    case "http":
      return httpStep(what, details);
    case "ignition":
      return isPerson(details) ? "aside" : "config";
    case "report":
      return "report";
    case "life":
    case "dns":
      return "aside";
  }
}

/** What the DHCP server calls answers of others that it hears. */
export const overheard = "another server's answer";

/** It answers whoever asked last, or asks now. */
function overheardStep(reached: BootStep | undefined): BootStep | "aside" {
  if (reached === undefined) return "firmware-dhcp";
  const next = { "boot-file": "ipxe-dhcp", script: "system-dhcp", kernel: "system-dhcp" } as const;
  if (reached in next) return next[reached as keyof typeof next];
  return reached === "config" || reached === "report" ? "aside" : reached;
}

function dhcpStep(
  { firmware = "other" }: Record<string, string>,
  reached: BootStep | undefined,
): BootStep | "aside" {
  if (firmware === "ipxe") return "ipxe-dhcp";
  if (firmware !== "other") return "firmware-dhcp";
  // The booted system says nothing of network boot; neither do some ROMs, but they come first. Later it renews its lease.
  if (reached === undefined || rankOf(reached) < rankOf("script")) return "firmware-dhcp";
  return rankOf(reached) < rankOf("config") ? "system-dhcp" : "aside";
}

const scriptName = /(?:\.ipxe(?:\.0)?|\/ipxe|\/grub|\.cfg)$/;
const bootFileName = /\.(?:efi|k?pxe|kkpxe|0|lkrn|img)$/i;

function tftpStep(file: string): BootStep {
  if (scriptName.test(file)) return "script";
  return bootFileName.test(file) ? "boot-file" : "kernel";
}

function httpStep(what: string, details: Record<string, string>): BootStep | "aside" {
  const path = /^\S+ (\S+)/.exec(what)?.[1] ?? what;
  if (scriptName.test(path)) return isPerson(details) ? "aside" : "script";
  if (/^\/(?:cloud|generic|metadata)\b/.test(path)) return isPerson(details) ? "aside" : "config";
  if (bootFileName.test(path)) return "boot-file";
  return path.startsWith("/assets/") || what.startsWith("GET ") ? "kernel" : "aside";
}

/** What a person tries from a shell. A booting system may use curl as well, but for files, not for scripts. */
const isPerson = ({ agent = "" }: Record<string, string>): boolean =>
  /^(?:curl|Wget|HTTPie|Mozilla)\//i.test(agent);
