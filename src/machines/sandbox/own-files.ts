import { randomBytes } from "node:crypto";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { IgnitionConfig } from "../../ignition/config.js";

/** Units of a general node image that have nothing to do in a sandbox: its kernel, devices, clock and network are the host's. */
const needlessUnits = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "console-getty.service",
  "dev-hugepages.mount",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty@tty1.service",
  "kmod-static-nodes.service",
  "modprobe@.service",
  "networking.service",
  "ssh.service",
  "ssh.socket",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-hwdb-update.service",
  "systemd-journal-flush.service",
  "systemd-logind.service",
  "systemd-modules-load.service",
  "systemd-networkd-wait-online.service",
  "systemd-networkd.service",
  "systemd-networkd.socket",
  "systemd-pstore.service",
  "systemd-random-seed.service",
  "systemd-remount-fs.service",
  "systemd-resolved.service",
  "systemd-timesyncd.service",
  "systemd-tmpfiles-setup-dev.service",
  "systemd-udev-settle.service",
  "systemd-udev-trigger.service",
  "systemd-udevd-control.socket",
  "systemd-udevd-kernel.socket",
  "systemd-udevd.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-update-utmp.service",
  "systemd-user-sessions.service",
];

/** Debian's kernel settings that are not namespaced: a node has no business setting them for its host. */
const hostSysctlFiles = ["50-pid-max.conf", "99-protect-links.conf"];

/** A container that ignores SIGTERM must not hold up the whole node's stop, whose default patience is 90 s. */
const managerSettings = "[Manager]\nDefaultTimeoutStopSec=5s\nShowStatus=no\n";

/**
 * What the sandbox itself puts into a machine's root, under the node's config: identity, and masks. A machine id that is
 * there already also keeps systemd from treating the boot as a first one, with its presets (machine-id(5)).
 */
export async function writeOwnFiles(
  upper: string,
  { name, config }: { name: string; config: IgnitionConfig },
): Promise<void> {
  const wanted = new Set(config.systemd?.units?.map((unit) => unit.name));
  const write = async (path: string, contents: string, mode = 0o644) => {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await writeFile(join(upper, path), contents, { mode });
  };
  const mask = async (path: string) => {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await symlink("/dev/null", join(upper, path));
  };
  await Promise.all([
    write("etc/hostname", `${name}\n`),
    write("etc/machine-id", `${randomBytes(16).toString("hex")}\n`, 0o444),
    write("etc/systemd/system.conf.d/10-slipway.conf", managerSettings),
    ...needlessUnits.filter((unit) => !wanted.has(unit)).map((unit) => mask(`etc/systemd/system/${unit}`)),
    ...hostSysctlFiles.map((file) => mask(`etc/sysctl.d/${file}`)),
  ]);
}
