import { SlipwayError } from "../../base/errors.js";

/** What the menu offers. */
export const menuChoices = ["disk", "retry", "about", "shell"] as const;
export type MenuChoice = (typeof menuChoices)[number];

export interface MenuOptions {
  /** What is done when nobody chooses. @default disk */
  choice?: MenuChoice;
  /** How long the menu waits for somebody; 0: for ever. @default 30 */
  timeoutSeconds?: number;
  /** What `retry` loads: a URL, or relative to the menu's own. @default boot.ipxe */
  script?: string;
}

/**
 * The iPXE script for machines that nobody has described: it lets one choose, and says what the machine is, so that one can
 * describe it. It ends with `exit 1`: UEFI goes on with its next boot option, where after `exit 0` it stops.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` for a time-out or a script that iPXE could not take.
 */
export function bootMenu({
  choice = "disk",
  timeoutSeconds = 30,
  script = "boot.ipxe",
}: MenuOptions = {}): string {
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 0 || timeoutSeconds > 86_400) {
    throw new SlipwayError("CONFIG_INVALID", `a menu cannot wait ${timeoutSeconds} seconds`, {
      hint: "give whole seconds up to a day, or 0 to wait for ever",
    });
  }
  if (!/^[\w.~:/?#@!*+,=%&;[\]-]+$/.test(script)) {
    throw new SlipwayError("CONFIG_INVALID", `${JSON.stringify(script)} cannot be the URL of a script`);
  }
  const wait = timeoutSeconds === 0 ? "" : `--timeout ${timeoutSeconds * 1000} `;
  return `${[
    "#!ipxe",
    ":menu",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: iPXE's own settings
    "menu Slipway: nobody has described this machine, ${mac}",
    "item disk Boot from disk",
    "item retry Ask the server again",
    "item about Show what this machine is",
    "item shell iPXE shell",
    `choose ${wait}--default ${choice} choice && goto \${choice} || goto end`,
    "",
    ":disk",
    "echo Booting from disk",
    // UEFI boots from disk itself, as its next boot option.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: iPXE's own settings
    "iseq ${platform} pcbios || goto end",
    "sanboot --no-describe --drive 0x80 || goto end",
    "",
    ":retry",
    // Fetched before it takes the menu's place: a machine may ask for days, and scripts inside scripts would fill its stack.
    `imgfetch --name slipway-next ${script} || goto failed`,
    "imgexec --replace --autofree slipway-next || goto end",
    "",
    ":about",
    ...aboutLines,
    "prompt Press any key || goto menu",
    "goto menu",
    "",
    ":shell",
    "shell || goto menu",
    "goto menu",
    "",
    ":failed",
    // A script ends with a command that fails, as this does when nobody presses a key.
    "prompt --timeout 10000 That failed; back to the menu in ten seconds || goto menu",
    "goto menu",
    "",
    ":end",
    "exit 1",
  ].join("\n")}\n`;
}

/** The labels that groups select by, and what one wants to see besides. */
const aboutLines = [
  ["mac", "mac"],
  ["uuid", "uuid"],
  ["serial", "serial"],
  ["manufacturer", "manufacturer"],
  ["product", "product"],
  ["arch", "buildarch"],
  ["firmware", "platform"],
  ["address", "ip"],
].map(([label, setting]) => `echo ${label!.padEnd(12)} \${${setting}}`);
