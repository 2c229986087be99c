import type { Decide } from "../decision.js";
import type { BootFileFirmware, Machine, OwnBootFile, OwnBootFiles } from "../inventory/types.js";
import type { Client, Firmware } from "./firmware.js";

/** Where machines get boot files from. */
export interface BootServer {
  /** Address of the TFTP server. */
  tftp: string;
  /** Where the HTTP server is, without a slash at the end: `http://10.88.0.1:8080`. */
  http: string;
  /** Names of the boot files that there are. */
  files: Pick<ReadonlySet<string>, "has">;
  /** Files of the user's own, rather than iPXE's builds. */
  own?: OwnBootFiles;
  /** Whether there is a directory of further files for TFTP. */
  hasDirectory?: boolean;
}

/** The iPXE build for each firmware, by its name in Debian's and upstream's packages. */
const builds: Partial<Record<Firmware, string>> = {
  bios: "undionly.kpxe",
  "uefi-ia32": "ipxe-i386.efi",
  "uefi-x64": "ipxe.efi",
  "uefi-arm32": "ipxe-arm32.efi",
  "uefi-arm64": "ipxe-arm64.efi",
  "uefi-http-ia32": "ipxe-i386.efi",
  "uefi-http-x64": "ipxe.efi",
  "uefi-http-arm32": "ipxe-arm32.efi",
  "uefi-http-arm64": "ipxe-arm64.efi",
};

/** A name for TFTP, or a URL; or why there is none. */
export type BootFileChoice = { file: string } | { file?: undefined; because: string };

/** Path of the boot files on the HTTP server. */
export const bootFilesPath = "/boot-files";

/**
 * What a client is to load next: a name for TFTP, or a URL. Undefined when it asks for nothing that we have.
 * iPXE of whatever origin gets the script at once: a chain to a build of our own would only cost a transfer. One that cannot
 * fetch the script gets a build that can; that one asks again and can, so there is no loop.
 */
export function bootFileFor(
  client: Client,
  server: BootServer,
  machine: Pick<Machine, "name" | "quirks" | "bootFile"> | undefined,
  decide: Decide,
): BootFileChoice {
  const { firmware } = client;
  const about = "boot file";
  const nothing = (because: string): BootFileChoice => {
    decide({ about, chosen: undefined, because, others: [] });
    return { because };
  };
  const script = `${server.http}/boot.ipxe`;
  if (firmware === "ipxe") {
    decide({
      about,
      chosen: script,
      because: `it is ${client.own ? "our own iPXE" : "iPXE already"} (option 77), so it gets its script`,
      others: [],
    });
    return { file: script };
  }
  if (firmware === "other") return nothing("it does not ask for a boot file (no option 60 with 93)");
  const chained = firmware === "ipxe-without-http";
  const platform = chained ? client.platform : firmware;
  const build = platform && builds[platform];
  if (build === undefined) return nothing(`it is ${firmware}, for which there is no boot file`);
  const why = chained ? "iPXE without HTTP (option 175), so it gets one with; " : "";
  const it = `${why}${platform} (option 93 is ${client.architecture})`;
  const own = ownFileFor(platform as BootFileFirmware, server, machine);
  // Of a file of the user's own it is not known that it is an iPXE with HTTP.
  const named = chained && server.files.has(build) ? undefined : own;
  if (named && !server.files.has(named.file.name)) {
    return nothing(`${it}: ${named.by} names ${named.file.path}, and there is no such file; put it there`);
  }
  const snponly = build === "ipxe.efi" && machine?.quirks.includes("snponly");
  const file = named?.file.name ?? (snponly ? "snponly.efi" : build);
  if (!server.files.has(file)) {
    return nothing(
      `${it}, for which Debian has no iPXE; name a file of your own in lab.yaml, bootFiles: { ${platform}: ${file} }`,
    );
  }
  const because = `${it}${named ? `, as ${named.by} has it` : snponly ? ", quirk snponly" : ""}`;
  const chosen = firmware.startsWith("uefi-http")
    ? `${server.http}${bootFilesPath}/${encodeURI(file)}`
    : chained
      ? `tftp://${server.tftp}/${encodeURI(file)}`
      : file;
  decide({
    about,
    chosen,
    because,
    others: [
      {
        candidate: script,
        because: chained
          ? "it cannot fetch by HTTP"
          : "only iPXE understands it (no user class iPXE in option 77)",
      },
    ],
  });
  return { file: chosen };
}

/** The machine's own goes before its firmware's; what does for PXE does for HTTP boot. */
function ownFileFor(
  firmware: BootFileFirmware,
  { own = {} }: BootServer,
  machine: Pick<Machine, "name" | "bootFile"> | undefined,
): { file: OwnBootFile; by: string } | undefined {
  if (machine?.bootFile) return { file: machine.bootFile, by: `${machine.name}'s bootFile` };
  const file = own[firmware] ?? own[firmware.replace("uefi-http-", "uefi-") as BootFileFirmware];
  return file && { file, by: "bootFiles in lab.yaml" };
}
