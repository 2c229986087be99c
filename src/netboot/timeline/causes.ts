import { bootsNothingText } from "../dhcp/turn.js";
import type { Instead } from "../http/guard.js";
import type { Observation } from "../observation.js";
import type { Boot } from "./boots.js";
import { type BootStep, overheard } from "./steps.js";

/** Why the next step did not come, most likely first, and what to try. */
export interface Cause {
  cause: string;
  try: string;
}

/** Where a boot stands, by the last that was seen of it. */
interface Standing {
  boot: Boot;
  step: BootStep;
  last: Observation;
  /** All of the last step, in order. */
  all: readonly Observation[];
}

/** What comes next when a boot stands so. The first that fits is meant. */
interface Expectation {
  when(standing: Standing): boolean;
  /** What did not come; undefined: the boot is over, nothing is missing. */
  next?: string;
  /** How long it may take under software emulation, where everything is slow. */
  patienceMs: number;
  causes(standing: Standing): Cause[];
}

const seconds = (count: number): number => count * 1000;
const minutes = (count: number): number => count * 60_000;
const errorOf = ({ details }: Observation): string =>
  details.error ?? details.because ?? details.reason ?? "";
const told = (last: Observation): string => (errorOf(last) === "" ? "" : `: ${errorOf(last)}`);
const because = (cause: string, action: string): Cause => ({ cause, try: action });

const doctor = "slipway netboot doctor INTERFACE";

const firewall = (port: string): Cause =>
  because(`a firewall between the machine and this server drops ${port}`, doctor);

const expectations: Expectation[] = [
  // Reports: the node's own word is the best.
  {
    when: ({ last }) => last.stage === "report" && last.outcome === "failed",
    next: "the node's report that it is ready",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `the node itself reported that it failed${told(last)}`,
        "its console, or the journal of that boot",
      ),
    ],
  },
  {
    when: ({ last }) => last.stage === "report" && (last.what === "booted" || last.what === "installed"),
    patienceMs: 0,
    causes: () => [],
  },
  {
    when: ({ last }) => last.stage === "report" && last.outcome === "refused",
    next: "a report that counts",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `the report was refused${told(last)}`,
        "let the node report from the address that it booted with",
      ),
    ],
  },
  {
    when: ({ last }) => last.stage === "report" && last.what === "ignition-applied",
    next: "the report that the system is up",
    patienceMs: minutes(5),
    causes: () => [
      because(
        "a unit of the config hangs or fails before the network is up",
        "systemctl --failed on the node's console",
      ),
      because(
        "the root that Ignition wrote does not boot",
        "the node's console; is root= right in the kernel arguments?",
      ),
    ],
  },
  {
    when: ({ last }) => last.stage === "report" && last.what === "ignition-fetched",
    next: "the report that Ignition has applied its config",
    patienceMs: minutes(5),
    causes: () => [
      because(
        "Ignition could not write: a disk is missing, too small or in use",
        "journalctl -u 'ignition-*' on the console",
      ),
      because(
        "a file of the config is fetched from a server that does not answer",
        "slipway netboot lint shows all sources",
      ),
    ],
  },
  {
    when: ({ last }) => last.stage === "report",
    next: "Ignition's fetch of its config",
    patienceMs: minutes(2),
    causes: () => [
      because(
        "ignition.config.url is not among the kernel arguments",
        "slipway netboot simulate --mac MAC shows them",
      ),
      because(
        "ignition.firstboot is not among the kernel arguments",
        "slipway netboot simulate --mac MAC shows them",
      ),
    ],
  },
  // The configuration.
  {
    when: ({ step, last }) => step === "config" && last.details.status === "503",
    next: "a fetch after the machine is approved",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `it was told to ask again${told(last)}`,
        "slipway netboot approve MAC; Ignition asks again every few seconds",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "config" && last.outcome === "refused",
    next: "a config that Ignition takes",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `it was refused${told(last)}, which is final for Ignition`,
        "boot the machine again: its script brings a new token",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "config" && last.outcome === "failed",
    next: "a config that Ignition takes",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `the answer was ${last.details.status ?? "an error"}${told(last)}, which is final for Ignition`,
        "slipway netboot lint, then boot it again",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "config" && last.outcome === "aborted",
    next: "the config, whole",
    patienceMs: minutes(1),
    causes: () => [
      because("the machine broke the transfer off, and Ignition tries again", "the link, and the MTU"),
      because("the machine was switched off", "its console"),
    ],
  },
  {
    when: ({ step }) => step === "config",
    next: "the node's own report",
    patienceMs: minutes(5),
    causes: () => [
      because(
        "its boot profile does not let it report: no slipway.report= among its kernel arguments, no unit of its own",
        "slipway netboot simulate --mac MAC shows them; without a report all may be well",
      ),
      because("Ignition failed to apply the config", "journalctl -u 'ignition-*' on the console"),
    ],
  },
  // From the kernel on nothing of ours runs until it asks for an address.
  {
    when: ({ step, last }) => step === "system-dhcp" && !isAcknowledged(last),
    next: "an address for the booted system",
    patienceMs: seconds(30),
    causes: ({ last }) => [
      because(
        `its DHCP request was not answered${told(last)}`,
        "slipway netboot show MAC -o json for the whole exchange",
      ),
      because("its offer was lost, or another DHCP server's taken", doctor),
    ],
  },
  {
    when: ({ step }) => step === "system-dhcp",
    next: "Ignition's fetch of its config",
    patienceMs: minutes(2),
    causes: () => [
      because(
        "ignition.config.url or ignition.firstboot is not among the kernel arguments",
        "slipway netboot simulate --mac MAC shows them",
      ),
      because(
        "the config's URL has a name that the machine cannot resolve, or an address that it cannot reach",
        "use this server's address, or set dns in lab.yaml",
      ),
    ],
  },
  {
    when: ({ step, all }) => step === "kernel" && notHad(all) !== undefined,
    next: "the kernel and all its initrds",
    patienceMs: seconds(10),
    causes: ({ all }) => {
      const failed = notHad(all)!;
      return [
        because(
          `${failed.what} was answered with ${failed.details.status ?? "an error"}${told(failed)}`,
          "slipway netboot lint lists assets that are missing",
        ),
      ];
    },
  },
  {
    when: ({ step, last }) => step === "kernel" && last.outcome !== "ok",
    next: "the kernel and all its initrds",
    patienceMs: seconds(30),
    causes: ({ last }) => [
      because(
        `the transfer of ${last.what} broke off${told(last)}`,
        "the machine's console: out of memory? a bad link?",
      ),
      because("large packets are lost", `${doctor} compares the MTU`),
    ],
  },
  {
    when: ({ step }) => step === "kernel",
    next: "a word of the booted system: DHCP, or Ignition's fetch",
    patienceMs: minutes(5),
    causes: () => [
      because(
        "ignition.config.url or ignition.firstboot is not among the kernel arguments",
        "slipway netboot simulate --mac MAC shows them",
      ),
      because(
        "the initrd has no driver for the machine's network card",
        "the console; another kernel or initrd",
      ),
      because(
        "UEFI: the kernel was not told of its initrd (initrd=NAME is missing among its arguments)",
        "slipway netboot lint",
      ),
      because(
        "iPXE could not start the kernel: it is broken, or for another firmware or architecture",
        "iPXE says so on the console, and the firmware goes on to its next device",
      ),
      because(
        "the kernel panicked, or its console is elsewhere",
        "add console=ttyS0 or console=tty0 to the arguments",
      ),
    ],
  },
  // The script.
  {
    when: ({ step, last }) => step === "script" && last.details.gets === ("a menu" satisfies Instead),
    next: "somebody's word what it is to boot",
    patienceMs: Number.POSITIVE_INFINITY,
    causes: ({ last }) => [
      because(
        `it shows a menu, and boots from its disk if nobody is there${told(last)}`,
        isOfApproval(last)
          ? "slipway netboot approve MAC; then choose in its menu to ask again, or boot it again"
          : "describe it in lab.yaml; then choose in its menu to ask again, or boot it again",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "script" && last.details.gets === ("a wait" satisfies Instead),
    next: "its boot profile",
    patienceMs: Number.POSITIVE_INFINITY,
    causes: ({ last }) => [
      because(
        `it asks again every few seconds${told(last)}`,
        isOfApproval(last)
          ? "slipway netboot approve MAC"
          : "slipway netboot simulate --mac MAC says what is wanting",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "script" && last.outcome === "refused",
    next: "its boot profile",
    patienceMs: 0,
    causes: ({ last }) => [because(`it does not get it yet${told(last)}`, "slipway netboot approve MAC")],
  },
  {
    when: ({ step, last }) => step === "script" && last.outcome === "failed",
    next: "a boot script",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `${last.what} was answered with ${last.details.status ?? "an error"}${told(last)}`,
        "slipway netboot simulate --mac MAC says which groups were tried, and why each lost",
      ),
    ],
  },
  {
    when: ({ step, last, boot }) =>
      step === "script" && /boot\.ipxe/.test(last.what) && !seenIn(boot, /\/ipxe$|\/grub$/),
    next: "the script's own request for the boot profile (/ipxe)",
    patienceMs: seconds(20),
    causes: () => [
      because(
        "iPXE could not resolve or reach where the script sends it",
        "is http.url in lab.yaml a URL that machines reach?",
      ),
      because("this iPXE cannot run the script", "slipway's own iPXE: leave the boot file to slipway"),
    ],
  },
  {
    when: ({ step }) => step === "script",
    next: "the kernel",
    patienceMs: seconds(30),
    causes: () => [
      because(
        "the kernel's URL is on another server, which nobody watches here",
        "slipway netboot simulate --mac MAC shows it",
      ),
      because(
        "the kernel's URL has a name that does not resolve, or uses TLS that this iPXE cannot",
        "iPXE says so on the console",
      ),
    ],
  },
  // A machine that is retired is given an address, and nothing to boot.
  {
    when: ({ last }) => last.details.because === bootsNothingText,
    patienceMs: 0,
    causes: () => [],
  },
  // iPXE's own DHCP.
  {
    when: ({ step, last }) => step === "ipxe-dhcp" && !isAcknowledged(last),
    next: "iPXE's request for the address that it was offered",
    patienceMs: seconds(20),
    causes: ({ last }) => dhcpCauses(last, "iPXE"),
  },
  {
    when: ({ step }) => step === "ipxe-dhcp",
    next: "the boot script",
    patienceMs: seconds(20),
    causes: () => [
      firewall("TCP to the HTTP port"),
      because("another DHCP server told iPXE another file", doctor),
      because(
        "iPXE cannot resolve the name in the script's URL",
        "leave http.url out of lab.yaml, or set dns",
      ),
    ],
  },
  // The boot file.
  {
    when: ({ step, last }) => step === "boot-file" && last.outcome === "refused",
    next: "the boot file",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `${last.what} is not to be had here${told(last)}`,
        "another DHCP server may name that file: slipway netboot doctor INTERFACE",
      ),
    ],
  },
  {
    when: ({ step, last }) =>
      step === "boot-file" && (last.outcome === "aborted" || last.details.probe !== undefined),
    next: "the boot file, whole",
    patienceMs: seconds(20),
    causes: () => [
      because(
        "the firmware gave up after it had asked for the size: it does not take the options that it was answered",
        "the quirk small-blocks for this machine",
      ),
      because(
        "the file is larger than the firmware can load",
        "another boot file: undionly.kpxe, snponly.efi",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "boot-file" && last.outcome === "failed",
    next: "the boot file, whole",
    patienceMs: seconds(20),
    causes: ({ last }) => [
      because(
        `the machine stopped acknowledging${told(last)}: packets are lost`,
        `the quirk small-blocks; ${doctor} compares the MTU`,
      ),
      firewall("UDP from the port of the transfer (TFTP answers from a new one)"),
    ],
  },
  {
    when: ({ step }) => step === "boot-file",
    next: "iPXE's own DHCP request",
    patienceMs: seconds(45),
    causes: () => [
      because(
        "Secure Boot refuses a boot file that is not signed",
        "switch Secure Boot off, or serve signed ones",
      ),
      because(
        "iPXE's driver does not work with this network card",
        "the quirk snponly for this machine: the firmware's own driver",
      ),
      because(
        "the boot file is for another architecture",
        "slipway netboot show MAC says which the firmware asked for",
      ),
    ],
  },
  // The firmware's DHCP.
  {
    when: ({ step, last }) => step === "firmware-dhcp" && last.details.noBootFile !== undefined,
    next: "the boot file",
    patienceMs: 0,
    causes: ({ last }) => [
      because(
        `it was told of none: ${last.details.noBootFile}`,
        "bootFiles in lab.yaml, or bootFile of the machine; slipway netboot simulate shows what comes of it",
      ),
    ],
  },
  {
    when: ({ step, last }) => step === "firmware-dhcp" && !isAcknowledged(last),
    next: "the firmware's request for what it was offered",
    patienceMs: seconds(20),
    causes: ({ last }) => dhcpCauses(last, "the firmware"),
  },
  {
    when: ({ step }) => step === "firmware-dhcp",
    next: "the boot file",
    patienceMs: seconds(20),
    causes: ({ last }) => [
      because(
        "it was no network boot: a running system asked for its address",
        "nothing, if that machine is to boot from its disk",
      ),
      firewall("UDP port 69 (TFTP), or the HTTP port for UEFI HTTP boot"),
      last.stage === "proxydhcp"
        ? because(
            "the firmware waits for an answer from port 4011, or never asks there",
            "the quirk no-4011 or use-4011 for this machine",
          )
        : because(
            "the firmware does not take the boot file's name so",
            "the quirk no-vendor-options for this machine",
          ),
    ],
  },
];

const isOfApproval = ({ details }: Observation): boolean => /approve/.test(details.because ?? "");

/** What was answered with an error over HTTP, and not had later. */
const notHad = (all: readonly Observation[]): Observation | undefined =>
  all.findLast(
    ({ stage, outcome, what }, at) =>
      stage === "http" &&
      outcome === "failed" &&
      !all.slice(at + 1).some((later) => later.what === what && later.outcome === "ok"),
  );

const isAcknowledged = ({ what, outcome, details }: Observation): boolean =>
  outcome === "ok" && (/→ ACK$/.test(what) || (what === overheard && details.type === "ACK"));
const seenIn = ({ parts }: Boot, what: RegExp): boolean =>
  parts.some(({ observations }) => observations.some((observation) => what.test(observation.what)));

function dhcpCauses(last: Observation, who: string): Cause[] {
  if (/NAK/.test(last.what)) {
    return [
      because(
        `${who} asked for an address that it cannot have here`,
        "nothing: it asks anew; if not, another DHCP server's offer",
      ),
    ];
  }
  if (!/OFFER/.test(last.what)) {
    return [
      because(`it was not answered${told(last)}`, "slipway netboot simulate --mac MAC --firmware … says why"),
      because(
        "its request came through a relay whose network the lab does not have",
        "add the network to lab.yaml",
      ),
    ];
  }
  return [
    because(`${who} took another DHCP server's offer`, doctor),
    because(
      "the offer does not reach the machine: a switch port that is not forwarding yet (spanning tree), a VLAN, a relay",
      "PortFast on the switch's port; tcpdump port 67 or 68 on the machine's side",
    ),
    last.stage === "proxydhcp"
      ? because(
          "the firmware wants its answer from port 4011, or does not take it from there",
          "the quirk no-4011 or use-4011 for this machine",
        )
      : because(
          "the firmware does not take the offer's options",
          "the quirk no-vendor-options for this machine",
        ),
  ];
}

/** What was to come next, whether it is late, and why. */
export interface Missing {
  next: string;
  /** The last that was seen. */
  after: string;
  /** Later than it should: else it may yet come. */
  overdue: boolean;
  waitedMs: number;
  causes: Cause[];
}

/** @param now milliseconds since 1970 */
export function missingStep(boot: Boot, now: number): Missing | undefined {
  const part = boot.parts.findLast(({ step }) => step !== "aside");
  if (part === undefined || part.step === "aside" || bootsFromDisk(boot)) return undefined;
  const last =
    part.observations.findLast((observation) => !isRogue(observation)) ?? part.observations.at(-1)!;
  const standing: Standing = { boot, step: part.step, last, all: part.observations };
  const expectation = expectations.find(({ when }) => when(standing));
  if (expectation?.next === undefined) return undefined;
  const waitedMs = Math.max(0, now - Date.parse(last.time) - (last.durationMs ?? 0));
  return {
    next: expectation.next,
    after: last.what,
    overdue: waitedMs > expectation.patienceMs,
    waitedMs,
    causes: [...rogueCauses(standing), ...expectation.causes(standing)],
  };
}

/** Another server answers where this one is to be the only one. */
const isRogue = ({ what, outcome, details }: Observation): boolean =>
  (what === overheard && outcome === "refused") || details.otherServer !== undefined;

/** It can lead a machine astray until that has its kernel. */
function rogueCauses({ boot, step }: Standing): Cause[] {
  if (step === "kernel" || step === "config" || step === "report") return [];
  const answers = boot.parts.flatMap(({ observations }) => observations.filter(isRogue));
  const servers = new Set(
    answers.map(({ details }) => details.otherServer ?? details.server ?? "an unknown one"),
  );
  return [...servers].map((server) =>
    because(
      `another DHCP server answers on this network, ${server}, and the machine may have listened to it`,
      "switch that server off, or let this one be proxyDHCP beside it: mode: proxy",
    ),
  );
}

/** This server sent it on to its own disk, and since then there was at most the system there, which asks for an address. */
function bootsFromDisk({ parts }: Boot): boolean {
  const steps = parts.filter(({ step }) => step !== "aside");
  if (steps.at(-1)?.step === "system-dhcp") steps.pop();
  const { step, observations } = steps.at(-1) ?? {};
  return step === "script" && observations?.at(-1)?.details.gets === ("its own disk" satisfies Instead);
}
