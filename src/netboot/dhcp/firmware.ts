import { option, suboption, textOption, uint16sOption, userClasses } from "./options.js";

/** What asks to be booted. `other` asks for no boot file: a system that runs, a printer … */
export type Firmware =
  | "bios"
  | "uefi-ia32"
  | "uefi-x64"
  | "uefi-arm32"
  | "uefi-arm64"
  | "uefi-http-ia32"
  | "uefi-http-x64"
  | "uefi-http-arm32"
  | "uefi-http-arm64"
  | "raspberry-pi"
  | "ipxe"
  /** iPXE that cannot fetch by HTTP, as it says itself. */
  | "ipxe-without-http"
  | "other";

/**
 * Architectures by option 93 (RFC 4578 §2.1 with its errata, IANA "Processor Architecture Types"): the RFC's text has 7 and 9
 * the wrong way round, and firmware sends either for x64.
 */
const byArchitecture: Readonly<Record<number, Firmware>> = {
  0: "bios",
  6: "uefi-ia32",
  7: "uefi-x64",
  9: "uefi-x64",
  10: "uefi-arm32",
  11: "uefi-arm64",
  15: "uefi-http-ia32",
  16: "uefi-http-x64",
  18: "uefi-http-arm32",
  19: "uefi-http-arm64",
  41: "raspberry-pi",
};

/** A Raspberry Pi's ROM says that it is a BIOS (architecture 0). */
const raspberryPiOuis = new Set([
  "28:cd:c1",
  "2c:cf:67",
  "88:a2:9e",
  "b8:27:eb",
  "d8:3a:dd",
  "dc:a6:32",
  "e4:5f:01",
]);

/** It says so in its identifier, unless it was told otherwise (its documentation, DHCP_OPTION97: `RPi4`, then the board). */
const isRaspberryPi = (options: ReadonlyMap<number, Buffer>, mac: string | undefined): boolean =>
  (mac !== undefined && raspberryPiOuis.has(mac.slice(0, 8))) ||
  options.get(option.clientUuid)?.toString("latin1", 1, 5) === "RPi4";

export interface Client {
  firmware: Firmware;
  /** The bare vendor class, which an answer must repeat: `PXEClient`, `HTTPClient`. */
  vendorClass?: "PXEClient" | "HTTPClient";
  /** As option 93 gives it. */
  architecture?: number;
  /** What its hardware is, also when iPXE speaks. */
  platform?: Firmware;
  /** Our own build of iPXE: user class `slipway`. */
  own?: true;
}

/** iPXE's feature in option 175 that says that it speaks HTTP (src/include/ipxe/features.h). */
const httpFeature = 19;

export function clientOf(options: ReadonlyMap<number, Buffer>, mac: string | undefined): Client {
  const vendor = textOption(options, option.vendorClass) ?? "";
  const vendorClass = (["PXEClient", "HTTPClient"] as const).find((name) => vendor.startsWith(name));
  const [architecture = architectureIn(vendor)] = uint16sOption(options, option.clientArch);
  const platform =
    architecture === 0 && isRaspberryPi(options, mac)
      ? "raspberry-pi"
      : architecture === undefined
        ? undefined
        : byArchitecture[architecture];
  const known = {
    ...(vendorClass === undefined ? {} : { vendorClass }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(platform === undefined ? {} : { platform }),
  };
  const classes = userClasses(options);
  if (classes.includes("slipway")) return { firmware: "ipxe", own: true, ...known };
  const features = options.get(option.ipxe);
  if (classes.some((name) => name.startsWith("iPXE") || name === "gPXE")) {
    const speaksHttp = features === undefined || suboption(features, httpFeature)?.[0] !== undefined;
    return { firmware: speaksHttp ? "ipxe" : "ipxe-without-http", ...known };
  }
  if (vendorClass === undefined || platform === undefined) return { firmware: "other", ...known };
  return { firmware: platform, ...known };
}

/** Some ROMs leave option 93 out and say it in the class: `PXEClient:Arch:00007:UNDI:003016`. */
function architectureIn(vendorClass: string): number | undefined {
  const digits = /:Arch:(\d{5})/.exec(vendorClass)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
