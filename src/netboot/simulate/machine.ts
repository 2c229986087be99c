/** What a simulated machine can start with. `ipxe`: a network card whose own ROM is iPXE, under a BIOS. */
export const simulatedFirmwares = [
  "bios",
  "uefi-x64",
  "uefi-ia32",
  "uefi-arm64",
  "uefi-http",
  "uefi-http-arm64",
  "ipxe",
] as const;
export type SimulatedFirmware = (typeof simulatedFirmwares)[number];

/** A machine that is not there. */
export interface SimulatedMachine {
  /** Lower case with colons. */
  mac: string;
  firmware: SimulatedFirmware;
  /** SMBIOS's, as text. */
  uuid: string;
  /** What it says of itself besides, as iPXE's settings and labels: `serial`, `hostname`, `arch` … */
  labels: Readonly<Record<string, string>>;
}

/** How a stage of the boot introduces itself: the firmware, then the iPXE that it loaded. */
export interface Stage {
  name: "firmware" | "ipxe";
  vendorClass: string;
  /** Option 93 (RFC 4578 §2.1). */
  architecture: number;
  /** Option 94: type, major, minor. */
  undi: readonly [number, number, number];
  /** Option 57. */
  maximumSize: number;
  /** EDK2 wants answers by broadcast, ROMs do not. */
  broadcast: boolean;
  parameters: readonly number[];
}

/** What PXE firmware asks for (PXE 2.1 table 2-3; EDK2's UefiPxeBcDxe and Intel's ROMs send this very list). */
const pxeParameters = [
  ...[1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97],
  ...[128, 129, 130, 131, 132, 133, 134, 135],
];
/** EDK2's HttpBootDxe. */
const httpParameters = pxeParameters.filter((code) => code < 128 && code !== 66);
/** iPXE 1.21's src/net/udp/dhcp.c */
const ipxeParameters = [
  ...[1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203],
];

const digits = (architecture: number) => String(architecture).padStart(5, "0");

const edk2 = (kind: "PXEClient" | "HTTPClient", architecture: number): Stage => ({
  name: "firmware",
  vendorClass: `${kind}:Arch:${digits(architecture)}:UNDI:003016`,
  architecture,
  undi: [1, 3, 16],
  maximumSize: 1472,
  broadcast: true,
  parameters: kind === "PXEClient" ? pxeParameters : httpParameters,
});

/** The firmware's own stage; undefined where iPXE is the firmware. */
export function firmwareStage(firmware: SimulatedFirmware): Stage | undefined {
  switch (firmware) {
    case "bios":
      return {
        name: "firmware",
        vendorClass: "PXEClient:Arch:00000:UNDI:002001",
        architecture: 0,
        undi: [1, 2, 1],
        maximumSize: 1260,
        broadcast: false,
        parameters: pxeParameters,
      };
    case "uefi-x64":
      return edk2("PXEClient", 7);
    case "uefi-ia32":
      return edk2("PXEClient", 6);
    case "uefi-arm64":
      return edk2("PXEClient", 11);
    case "uefi-http":
      return edk2("HTTPClient", 16);
    case "uefi-http-arm64":
      return edk2("HTTPClient", 19);
    case "ipxe":
      return undefined;
  }
}

const ipxeArchitectures: Record<SimulatedFirmware, number> = {
  ...{ bios: 0, ipxe: 0, "uefi-ia32": 6, "uefi-x64": 7, "uefi-http": 7 },
  ...{ "uefi-arm64": 11, "uefi-http-arm64": 11 },
};
/** By option 93. */
const buildArchitectures: Readonly<Record<number, string>> = {
  0: "i386",
  6: "i386",
  7: "x86_64",
  11: "arm64",
};

export function ipxeStage(firmware: SimulatedFirmware): Stage {
  const architecture = ipxeArchitectures[firmware];
  const undi = architecture === 0 ? ([1, 2, 1] as const) : ([1, 3, 10] as const);
  const version = undi.map((part) => String(part).padStart(3, "0")).slice(1);
  return {
    name: "ipxe",
    vendorClass: `PXEClient:Arch:${digits(architecture)}:UNDI:${version.join("")}`,
    architecture,
    undi,
    maximumSize: 1472,
    broadcast: false,
    parameters: ipxeParameters,
  };
}

/** iPXE's `platform` and `buildarch`: Debian's build for BIOS is one of 32 bits. */
export const ipxeBuild = (
  firmware: SimulatedFirmware,
): { platform: "pcbios" | "efi"; buildarch: string } => ({
  platform: ipxeArchitectures[firmware] === 0 ? "pcbios" : "efi",
  buildarch: buildArchitectures[ipxeArchitectures[firmware]]!,
});
