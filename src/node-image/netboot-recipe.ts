import { goArchitecture } from "../components/catalog.js";
import { hardwareUnits, type NodeImageRecipe, nodeImageRecipe } from "./recipe.js";

/** Debian's kernels: for virtual machines and clouds, or with drivers for all that Debian knows. */
export const kernelFlavours = ["cloud", "generic"] as const;
export type KernelFlavour = (typeof kernelFlavours)[number];

export const kernelPackage = (flavour: KernelFlavour): string =>
  `linux-image-${flavour === "cloud" ? "cloud-" : ""}${goArchitecture()}`;

/** What the initrd needs before it can read the root file system, which has all other modules. */
export const earlyModules = ["loop", "squashfs", "overlay"] as const;

/** Masked in a sandbox, whose network and kernel are its host's; a machine of its own has to see to them itself. */
const ownUnits = new Set([...hardwareUnits, "systemd-networkd.service", "systemd-networkd.socket"]);

const without = (list: readonly string[], unwanted: { has(name: string): boolean }) =>
  list.filter((name) => !unwanted.has(name));

/**
 * The root file system of a machine that has its kernel from us: the node image with what makes a machine of it (devices,
 * network, time, and the tools that Ignition makes file systems with).
 */
export const netbootRecipe: NodeImageRecipe = {
  ...nodeImageRecipe,
  packages: [
    ...nodeImageRecipe.packages,
    "curl",
    "dosfstools",
    "e2fsprogs",
    "gdisk",
    "systemd-timesyncd",
    "udev",
    "xfsprogs",
  ].sort(),
  // Its own, for it shares its kernel with nobody.
  remove: without(nodeImageRecipe.remove, new Set(["usr/lib/sysctl.d/50-pid-max.conf"])),
  files: {
    ...nodeImageRecipe.files,
    "/etc/systemd/journald.conf.d/50-slipway.conf": `[Journal]
Storage=volatile
RuntimeMaxUse=64M
Audit=no
RateLimitIntervalSec=0
`,
    "/etc/systemd/system.conf.d/50-slipway.conf": `[Manager]
ShowStatus=auto
DefaultTimeoutStopSec=15s
DefaultTasksMax=infinity
`,
    // What Kubernetes expects of a node (kubeadm's preflight checks).
    "/etc/modules-load.d/50-slipway.conf": "br_netfilter\noverlay\n",
    "/etc/sysctl.d/50-slipway.conf": `net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
`,
    // Names as in the initrd, which has brought the network up under them; and no addresses of udev's for pods' interfaces.
    "/etc/systemd/network/99-default.link":
      "[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep\nMACAddressPolicy=none\n",
    // Last, so that any file of a config comes before it. Only what is hardware: pods' interfaces have a kind.
    "/etc/systemd/network/99-slipway.network": `[Match]
Type=ether
Kind=!*

[Network]
DHCP=ipv4
KeepConfiguration=static

[DHCPv4]
ClientIdentifier=mac
`,
    // Ignition enables units by presets, which systemd follows at a first boot: those and no others.
    "/etc/systemd/system-preset/99-slipway.preset": "disable *\n",
  },
  maskedUnits: without(nodeImageRecipe.maskedUnits, ownUnits),
  maskedGenerators: without(nodeImageRecipe.maskedGenerators, new Set(["systemd-fstab-generator"])),
};
