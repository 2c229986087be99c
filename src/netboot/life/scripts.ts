/**
 * The iPXE scripts for machines that do not get a boot profile. They end with `exit 1` where they give up: after a plain
 * `exit` UEFI firmware takes the boot for done and stays in its menu.
 */

/** On to the machine's own disk. BIOS: iPXE starts it; UEFI: the firmware has an entry for it, and goes on to that. */
export const diskScript = (because: string): string =>
  lines(
    `# ${comment(because)}`,
    "echo This machine boots from its own disk.",
    `iseq \${platform} pcbios && sanboot --no-describe --drive 0x80 ||`,
    "exit 1",
  );

/** Sleeps, and asks this very URL again. @param url `ipxe?uuid=…`, relative to the script, or absolute */
export const waitScript = (because: string, seconds: number, url: string): string =>
  lines(
    `# ${comment(because)}`,
    `echo Not yet: ${comment(because)}`,
    `echo Asking again every ${seconds} s.`,
    ":again",
    `sleep ${seconds}`,
    // Fetched before it takes this one's place: scripts inside scripts would fill iPXE's stack.
    `imgfetch --name slipway-next ${url} || goto again`,
    "imgexec --replace --autofree slipway-next || exit 1",
  );

/** GRUB's own: `exit` goes back to the firmware, which tries the next device. */
export const diskGrub = (because: string): string => `# ${comment(because)}\nexit\n`;

/** GRUB cannot ask for its configuration again: the machine starts anew. */
export const waitGrub = (because: string, seconds: number): string =>
  `# ${comment(because)}\necho "Not yet: ${comment(because).replaceAll('"', "'")}"\nsleep ${seconds}\nreboot\n`;

const lines = (...all: string[]): string => ["#!ipxe", ...all, ""].join("\n");

/** Text that iPXE takes for nothing but text: no line ends, and no `${…}`, which it would expand. */
const comment = (text: string): string => text.replace(/\p{C}/gu, " ").replace(/[$\\]/g, "").slice(0, 200);
