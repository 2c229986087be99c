import type { BootProfile } from "../inventory/types.js";

/** What iPXE runs first: it asks again, and says what machine it is. The same for all. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: iPXE's own settings
export const bootIpxe =
  "#!ipxe\n" +
  "chain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}" +
  "&arch=${buildarch:uristring}\n";
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: iPXE's own settings

type Boot = BootProfile["boot"];

/** The iPXE script of a boot profile, byte for byte as matchbox writes it. */
export function ipxeScript({ kernel = "", initrd, args }: Boot): string {
  const initrds = initrd.map((each) => `initrd ${each}\n`).join("");
  return `#!ipxe\nkernel ${[kernel, ...args].join(" ")}\n${initrds}boot\n`;
}

/** The GRUB 2 configuration of a boot profile, byte for byte as matchbox writes it. */
export function grubConfig({ kernel = "", initrd, args }: Boot): string {
  const kernelLine = [`"${kernel}"`, ...args].join(" ");
  const initrds = initrd.map((each) => ` "${each}"`).join("");
  const entry = (firmware: string, suffix: string) =>
    [
      `menuentry "CoreOS (${firmware})" {`,
      'echo "Loading kernel"',
      `linux${suffix} ${kernelLine}`,
      'echo "Loading initrd"',
      `initrd${suffix} ${initrds}`,
      "}",
      "",
    ].join("\n");
  return `default=0\nfallback=1\ntimeout=1\n${entry("EFI", "efi")}${entry("BIOS", "")}`;
}
