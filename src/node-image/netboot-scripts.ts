/*
 * What runs on a machine that boots the node image over the network, before and beside its own units.
 *
 * Kernel arguments:
 *   ignition.config.url=URL         a config to fetch and apply; so does ignition.firstboot (a root in memory is always new)
 *   BOOTIF=[01-]MAC                 the interface to take an address on, else the first that gets one
 *   slipway.report=URL              where each stage is told (form data: stage, mac, boot_id, message)
 *   slipway.on_failure=reboot|poweroff|shell    after a failure; reboot comes after a minute and is the default
 */

/** Where the root file system keeps what is ours. */
export const libraryPath = "/usr/lib/slipway";

/** Where a booted machine has the images: a containerd root without its layers, and these beside it. */
export const imagesPath = "/run/slipway/images";

/** In a containerd root: a directory for each layer, with its files in `fs`. */
export const snapshotsPath = "io.containerd.snapshotter.v1.overlayfs/snapshots";

/** Busybox's shell is its interpreter, for there is nothing else yet. */
export const initScript = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
set -o pipefail
mkdir -p /dev /proc /sys /run /image /rw /sysroot
mount -t devtmpfs -o mode=0755,nosuid dev /dev
exec </dev/console >/dev/console 2>&1
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o mode=0755,nosuid,nodev run /run
mkdir -p /run/slipway

say() { echo "slipway: $*"; }
words() { tr ' ' '\\n' </proc/cmdline; }
argument() { words | sed -n "s/^$1=//p" | tail -n 1; }
report() { chroot /image ${libraryPath}/report "$@" 2>/dev/null; }

fail() {
  trap - EXIT
  say "FAILED: $*"
  report failed "$*"
  case $(argument slipway.on_failure) in
    shell) say "a shell, as slipway.on_failure says; leaving it reboots"; setsid cttyhack sh ;;
    poweroff) say "powering off"; poweroff -f ;;
    *) say "rebooting in 60 s"; sleep 60 ;;
  esac
  reboot -f
}
# The kernel panics when its first process ends.
trap 'fail "the start script ended early"' EXIT

unpack_root() {
  while read -r module; do insmod "/modules/$module" || fail "the kernel module $module could not be loaded"; done </modules/order
  mount -t squashfs -o ro,loop /root.squashfs /image || fail "the root file system could not be mounted"
  mkdir ${imagesPath} && mount -t squashfs -o ro,loop /images.squashfs ${imagesPath} || fail "the images could not be mounted"
  mount -t tmpfs -o mode=0755,size=80% rw /rw && mkdir /rw/upper /rw/work &&
    mount -t overlay -o lowerdir=/image,upperdir=/rw/upper,workdir=/rw/work overlay /sysroot ||
    fail "the root file system could not be made writable"
  # Container runtimes make overlays of their own, which cannot lie on one.
  for path in var/lib/containerd var/lib/kubelet var/lib/etcd; do
    mkdir "/rw/$(basename $path)" && chmod --reference="/sysroot/$path" "/rw/$(basename $path)" 2>/dev/null
    mount --bind "/rw/$(basename $path)" "/sysroot/$path" || fail "/$path could not be mounted"
  done
  # For programs of the image, among them Ignition, which finds the new root where it is.
  for path in dev proc sys run sysroot; do mount --rbind /$path /image/$path || fail "/$path could not be mounted for Ignition"; done
  mount -t tmpfs -o mode=1777 tmp /image/tmp
}

# Of buses that have network cards and disks; udev sees to the rest. A driver may bring a bus: to be called until all is there.
load_drivers() {
  find /sys/devices -name modalias -exec cat {} + | grep -E '^(pci|usb|virtio|vmbus|xen):' | sort -u |
    xargs chroot /image /sbin/modprobe -qab
}

# Interfaces with hardware, the one that the machine booted from alone if it is known.
interfaces() {
  boot=$(argument BOOTIF | tr 'A-F-' 'a-f:' | sed 's/^01:\\(..:..:..:..:..:..\\)$/\\1/')
  for path in /sys/class/net/*; do
    [ -e "$path/device" ] || continue
    [ -z "$boot" ] || [ "$boot" = "$(cat "$path/address")" ] || continue
    basename "$path"
  done
}

bring_up_network() {
  tries=0
  until [ -n "$(interfaces)" ]; do
    tries=$((tries + 1))
    [ $tries -le 20 ] || { say "there is no network interface $(argument BOOTIF)"; return 1; }
    load_drivers
    sleep 0.3
  done
  ip link set lo up
  for interface in $(interfaces); do ip link set "$interface" up; done
  for round in 1 2 3; do
    for interface in $(interfaces); do
      cat "/sys/class/net/$interface/address" >/run/slipway/mac
      say "asking for an address on $interface, $(cat /run/slipway/mac)"
      udhcpc -i "$interface" -n -q -f -t 8 -T 1 -s /dhcp-event -O mtu -O staticroutes && return 0
    done
  done
  say "no DHCP server answered"
  return 1
}

# What Ignition says beside its log, at a failure the whole config, may hold secrets: for its file alone.
ignition() {
  log=/run/slipway/ignition.log
  say "ignition: $1"
  PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot /image ${libraryPath}/ignition --platform=metal --stage="$1" --root=/sysroot \
    --config-cache=/run/ignition/config.json --neednet=/run/ignition/neednet --state-file=/run/ignition/state --log-to-stdout 2>&1 |
    (umask 077 && tee $log) | grep -E '^(INFO|NOTICE|WARNING|ERR|ERROR|CRITICAL) *:' && return 0
  fail "ignition $1: $(grep '^CRITICAL' $log | tail -n 1 | cut -d : -f 2- | cut -c 2-1000)"
}

apply_config() {
  mkdir -m 0700 /run/ignition
  ignition fetch-offline
  ignition fetch
  report ignition-fetched
  # Ignition waits for devices by asking systemd, which is not there yet.
  ! grep -Eq '(^|[^\\])"(disks|filesystems|luks|raid)":[[]' /run/ignition/config.json ||
    fail "its config sets up disks or file systems (storage.disks, raid, luks, filesystems), which this system in memory does not do"
  for stage in disks mount files; do ignition $stage; done
  # systemd mounts again what is to stay.
  ignition umount
  # systemd follows presets, by which Ignition enables units, if this says that it boots for the first time.
  [ -s /sysroot/etc/machine-id ] || echo uninitialized >/sysroot/etc/machine-id
  rm -r /run/ignition /run/slipway/ignition.log
  report ignition-applied
}

say "preparing the root file system"
unpack_root
load_drivers
(umask 077 && argument slipway.report >/run/slipway/report-url)
wanted=
if words | grep -Eqx 'ignition\\.(firstboot(=.*)?|config\\.url=.+)'; then wanted=1; fi
if bring_up_network; then report initrd; elif [ -n "$wanted" ]; then fail "the network could not be brought up"; fi
if [ -n "$wanted" ]; then apply_config; else say "no ignition.config.url: starting as the image is"; fi
if [ -s /run/slipway/hostname ] && ! [ -e /sysroot/etc/hostname ]; then cp /run/slipway/hostname /sysroot/etc/hostname; fi

say "starting systemd"
umount /image/tmp
for path in sysroot run sys proc dev; do umount -l /image/$path; done
for path in run sys proc dev; do mount --move /$path /sysroot/$path || fail "/$path could not be handed over"; done
trap - EXIT
exec switch_root /sysroot /sbin/init
`;

/** What udhcpc(8) calls with the lease in its environment. */
export const dhcpEventScript = `#!/bin/busybox sh
case $1 in bound | renew) ;; *) exit 0 ;; esac
ip address flush dev "$interface"
ip address add "$ip/$mask" dev "$interface"
[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
# RFC 3442: who has these is not to use the router.
if [ -n "$staticroutes" ]; then
  set -- $staticroutes
  while [ $# -ge 2 ]; do ip route add "$1" via "$2" dev "$interface" onlink; shift 2; done
else
  for address in $router; do ip route add default via "$address" dev "$interface" onlink && break; done
fi
{
  [ -z "$domain" ] || echo "search $domain"
  for address in $dns; do echo "nameserver $address"; done
} >/run/slipway/resolv.conf
[ -z "$hostname" ] || echo "$hostname" >/run/slipway/hostname
`;

/** Files of the root file system by path; scripts are executable. */
export const systemFiles: Readonly<Record<string, string>> = {
  // report STAGE [MESSAGE]: a machine boots whether anybody hears of it or not.
  [`${libraryPath}/report`]: `#!/bin/sh
url=$(cat /run/slipway/report-url 2>/dev/null)
[ -n "$url" ] || exit 0
curl --silent --output /dev/null --max-time 5 --retry 2 --retry-connrefused \\
  --data-urlencode "stage=$1" \\
  --data-urlencode "mac=$(cat /run/slipway/mac)" \\
  --data-urlencode "boot_id=$(cat /proc/sys/kernel/random/boot_id)" \\
  --data-urlencode "message=$2" \\
  -- "$url"
exit 0
`,
  [`${libraryPath}/report-booted`]: `#!/bin/sh
state=$(systemctl is-system-running --wait)
failed=$(systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | tr '\\n' ' ')
message=
[ "$state" = running ] || message="$state: $failed"
echo "slipway: booted $message" >/dev/console
exec ${libraryPath}/report booted "$message"
`,
  "/usr/lib/systemd/system/slipway-report.service": `[Unit]
Description=Tell the network-boot server that this machine has booted

[Service]
# Not oneshot: it waits for the end of the boot, which would wait for it.
Type=exec
ExecStart=${libraryPath}/report-booted
`,
  // Their layers stay where they are and are found by links: on a disk, which may see another image at the next boot, copies.
  [`${libraryPath}/give-images`]: `#!/bin/sh
set -e
cp -a ${imagesPath}/containerd/. /var/lib/containerd/
[ "$(stat -f -c %T /var/lib/containerd)" != tmpfs ] || exit 0
cd /var/lib/containerd/${snapshotsPath}
for link in */fs; do
  layer=$(readlink "$link")
  rm "$link"
  cp -a "$layer" "$link"
done
`,
  "/usr/lib/systemd/system/slipway-images.service": `[Unit]
Description=Give containerd the images that came with this machine's system
Before=containerd.service
RequiresMountsFor=/var/lib/containerd
ConditionPathExists=${imagesPath}/containerd
ConditionPathExists=!/var/lib/containerd/io.containerd.metadata.v1.bolt

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${libraryPath}/give-images
`,
};

/** Links of the root file system by path: units that start without being enabled, and DNS as the lease has it. */
export const systemLinks: Readonly<Record<string, string>> = {
  "/etc/resolv.conf": "../run/slipway/resolv.conf",
  "/usr/lib/systemd/system/multi-user.target.wants/systemd-networkd.service": "../systemd-networkd.service",
  "/usr/lib/systemd/system/multi-user.target.wants/slipway-report.service": "../slipway-report.service",
  "/usr/lib/systemd/system/containerd.service.wants/slipway-images.service": "../slipway-images.service",
};
