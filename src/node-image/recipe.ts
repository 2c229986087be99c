/** The root file system of every node: what is in it, and what of Debian's defaults a node does not want. */
export interface NodeImageRecipe {
  /** Raised when the building changes in a way that this data does not show. */
  revision: number;
  /** Debian's packages; what they depend on comes along. */
  packages: readonly string[];
  dpkgOptions: readonly string[];
  /** Files newer than this get this time (seconds since 1970), so that two builds are alike. */
  sourceDateEpoch: number;
  /** Relative paths, removed if there. */
  remove: readonly string[];
  /** Empty directories by absolute path, with their modes: mount points and places that programs expect. */
  directories: Readonly<Record<string, number>>;
  files: Readonly<Record<string, string>>;
  /** Units that a node must not start. Ignition's `mask: false` gives one back. */
  maskedUnits: readonly string[];
  /** Programs that systemd would run at each boot to make units (systemd.generator(7)): half of the boot's CPU time. */
  maskedGenerators: readonly string[];
  /** The unit that systemd boots to. */
  defaultTarget: string;
}

/**
 * Units that see to a kernel and its file systems: masked, for a sandbox has its host's. A machine that boots its own
 * kernel gives them back in its config.
 */
export const hardwareUnits: readonly string[] = [
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "kmod-static-nodes.service",
  "proc-sys-fs-binfmt_misc.automount",
  "proc-sys-fs-binfmt_misc.mount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-binfmt.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-pcrphase.service",
  "systemd-random-seed.service",
  "systemd-repart.service",
  "systemd-tmpfiles-setup-dev.service",
];

export const nodeImageRecipe: NodeImageRecipe = {
  revision: 1,
  packages: [
    // the system
    "ca-certificates",
    "dbus",
    "kmod",
    "mount",
    "procps",
    "systemd",
    "systemd-sysv",
    "tzdata",
    "util-linux",
    "zstd",
    // the endpoint of several control planes (plan/endpoint.ts)
    "haproxy",
    "keepalived",
    // what kubelet, kube-proxy and CNI plugins call
    "conntrack",
    "ebtables",
    "ethtool",
    "iproute2",
    "ipset",
    "iptables",
    "nftables",
    "socat",
  ],
  dpkgOptions: [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/bash-completion/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/doc/*",
    // What keepalived could tell by SNMP, and the perl that libsnmp could run: 50 MB that nothing here reads.
    "path-exclude=/usr/lib/*/perl/*",
    "path-exclude=/usr/share/perl/*",
    "path-exclude=/usr/share/snmp/*",
    "path-exclude=/usr/share/misc/pci.ids",
    // licences stay
    "path-include=/usr/share/doc/*/copyright",
  ],
  sourceDateEpoch: Date.UTC(2026, 0, 1) / 1000,
  remove: [
    // A sandbox node shares the kernel with its host: these set values for the whole machine.
    "usr/lib/sysctl.d/50-pid-max.conf",
    "usr/lib/sysctl.d/99-protect-links.conf",
    "etc/sysctl.d/99-sysctl.conf",
    "etc/sysctl.conf",
    "etc/fstab",
    // Started by the socket, or not at all.
    "usr/lib/systemd/system/multi-user.target.wants/dbus.service",
    "usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service",
    "etc/systemd/system/timers.target.wants",
    // A node's config says whether it runs them, and how.
    "etc/systemd/system/multi-user.target.wants/haproxy.service",
    "etc/systemd/system/multi-user.target.wants/keepalived.service",
    "etc/systemd/system/getty.target.wants",
    "etc/systemd/system/multi-user.target.wants/remote-fs.target",
    "etc/systemd/system/sysinit.target.wants/systemd-pstore.service",
    // Backups of account files that differ from build to build.
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "etc/subuid-",
    "etc/subgid-",
    "var/lib/dpkg/status-old",
    "var/lib/systemd/random-seed",
  ],
  directories: {
    "/dev": 0o755,
    "/etc/cni/net.d": 0o755,
    "/etc/containerd": 0o755,
    "/etc/kubernetes/manifests": 0o755,
    "/opt/cni/bin": 0o755,
    "/var/cache": 0o755,
    "/var/lib/containerd": 0o755,
    "/var/lib/etcd": 0o700,
    "/var/lib/kubelet": 0o755,
    "/var/log": 0o755,
    "/var/log/pods": 0o755,
    "/var/log/containers": 0o755,
  },
  files: {
    // Empty: systemd makes each node's own at its first boot (machine-id(5)).
    "/etc/machine-id": "",
    "/etc/default/locale": "LANG=C.UTF-8\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "/etc/systemd/journald.conf.d/50-slipway.conf": `[Journal]
Storage=volatile
RuntimeMaxUse=64M
Audit=no
ReadKMsg=no
ForwardToSyslog=no
RateLimitIntervalSec=0
`,
    "/etc/systemd/system.conf.d/50-slipway.conf": `[Manager]
ShowStatus=no
DefaultTimeoutStopSec=15s
DefaultTasksMax=infinity
`,
  },
  maskedUnits: [
    // consoles and logins
    "console-getty.service",
    "getty.target",
    "systemd-user-sessions.service",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    // the network is set up by the machine's driver, or by its own config
    "systemd-networkd.service",
    "systemd-networkd.socket",
    ...hardwareUnits,
    "cryptsetup.target",
    "integritysetup.target",
    "veritysetup.target",
    "swap.target",
    // the image is complete as it is
    "systemd-firstboot.service",
    "systemd-journal-catalog-update.service",
    "systemd-machine-id-commit.service",
    "systemd-sysusers.service",
    "systemd-update-done.service",
    "ldconfig.service",
    // the journal lives in memory
    "systemd-journal-flush.service",
    "systemd-journald-audit.socket",
    "systemd-initctl.socket",
    // housekeeping
    "systemd-tmpfiles-clean.timer",
    "fstrim.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
  ],
  maskedGenerators: [
    "systemd-cryptsetup-generator",
    "systemd-debug-generator",
    "systemd-fstab-generator",
    "systemd-getty-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator",
    "systemd-rc-local-generator",
    "systemd-run-generator",
    "systemd-system-update-generator",
    "systemd-sysv-generator",
    "systemd-veritysetup-generator",
  ],
  defaultTarget: "multi-user.target",
};
