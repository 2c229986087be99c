import type { Decide } from "../decision.js";
import type { Quirk } from "../inventory/types.js";
import type { Client, Firmware } from "./firmware.js";

/** Where machines get boot files from. */
export interface BootServer {
  /** Address of the TFTP server. */
  tftp: string;
  /** Where the HTTP server is, without a slash at the end: `http://10.88.0.1:8080`. */
  http: string;
  /** Names of the boot files that there are. */
  files: ReadonlySet<string>;
  /** Names of the builds to serve, where they are not those of Debian's and upstream's packages. */
  binaries?: Partial<Record<Firmware, string>>;
}

/** The iPXE build for each firmware, by its name in Debian's and upstream's packages. */
const binaries: Partial<Record<Firmware, string>> = {
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
  quirks: readonly Quirk[],
  decide: Decide,
): string | undefined {
  const { firmware } = client;
  const about = "boot file";
  const nothing = (because: string) => {
    decide({ about, chosen: undefined, because, others: [] });
    return undefined;
  };
  const script = `${server.http}/boot.ipxe`;
  if (firmware === "ipxe") {
    decide({
      about,
      chosen: script,
      because: `it is ${client.own ? "our own iPXE" : "iPXE already"} (option 77), so it gets its script`,
      others: [],
    });
    return script;
  }
  if (firmware === "other") return nothing("it does not ask for a boot file (no option 60 with 93)");
  const chained = firmware === "ipxe-without-http";
  const platform = chained ? client.platform : firmware;
  const named = platform && { ...binaries, ...server.binaries }[platform];
  if (named === undefined) return nothing(`it is ${firmware}, and there is no build for it`);
  const file = named === "ipxe.efi" && quirks.includes("snponly") ? "snponly.efi" : named;
  const why = chained ? "iPXE without HTTP (option 175), so it gets one with; " : "";
  const because = `${why}${platform} (option 93 is ${client.architecture})${file === named ? "" : ", quirk snponly"}`;
  if (!server.files.has(file)) return nothing(`${because}: there is no ${file}`);
  const chosen = firmware.startsWith("uefi-http")
    ? `${server.http}${bootFilesPath}/${file}`
    : chained
      ? `tftp://${server.tftp}/${file}`
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
  return chosen;
}
