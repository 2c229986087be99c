# What a checkout needs before slipway can run or be tested; sourced by ./slipway and scripts/test.sh (POSIX sh).
# The caller sets $root to the checkout's absolute path and calls: set_up npm|debian|debian-test|build …
# shellcheck shell=sh

# Debian package: what slipway does with it.
debian_packages="
ca-certificates  trusts the servers that components come from
conntrack        kube-proxy cleans connections with it
cpio             packs the initrd of machines that boot over the network
gcc              builds components that use C: runc, ignition, pause
iproute2         bridges, veths, routes, network namespaces
iptables         CNI's portmap plugin
kmod             loads kernel modules, indexes those of a kernel
libblkid-dev     builds ignition
libc6-dev        builds components that use C
libseccomp-dev   builds runc
mmdebstrap       makes the node image
mount            overlays and binds
nftables         kube-proxy's rules, outward NAT
perl-base        binds the DHCP server's sockets to interfaces
pkg-config       builds components that use C
procps           sysctl
runc             runs a node
socat            port-forward
squashfs-tools   packs the root of machines that boot over the network
util-linux       flock, nsenter, setpriv
zstd             packs bundles and images
"

# Only the tests need these.
debian_test_packages="
atftp            a TFTP client that does windows
bind9-dnsutils   dig
curl             a client of the network-boot server
dnsmasq-base     the peer of netboot's tests and benchmarks
isc-dhcp-client  a DHCP client
kea-admin        perfdhcp, the load of the DHCP benchmark
faketime         a wrong clock, for slipway alone
fish             completion is tried in the real shells
git              the launcher is tried in a fresh clone
gpg              verifies the network-boot server's signatures
ipxe             boots machines over the network
mtools           makes the disk that UEFI firmware boots in tests
ovmf             UEFI firmware of test machines
qemu-system-x86  machines that boot over the network
sudo             files are tried to be the calling user's
tcpdump          captures a boot, which is replayed
tftp-hpa         a TFTP client that does netascii
udhcpc           a DHCP client
wrk              load for the network-boot benchmark
zsh              completion is tried in the real shells
"

node_least=20.19

say() { printf 'slipway: %s\n' "$*" >&2; }

# fail CODE-NAME EXIT-CODE MESSAGE HINT: as src/cli/output/error.ts renders errors.
fail() {
  printf 'slipway: %s  [%s]\n  try  %s\n' "$3" "$1" "$4" >&2
  exit "$2"
}

# Each ready_X is true when X needs nothing done. They start no program, but for one find.
ready_npm() {
  [ -e "$root/node_modules/.package-lock.json" ] &&
    ! [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]
}

ready_debian() { marked debian; }
ready_debian_test() { marked debian-test; }

ready_build() {
  [ -e "$root/dist/.built" ] && [ -z "$(
    find "$root/src" "$root/package.json" "$root/scripts/build.mjs" -newer "$root/dist/.built" -print -quit
  )" ]
}

# A mark says that this machine had the packages when this table was as it is now.
marked() {
  marked_machine=
  [ -e "$root/dist/.$1" ] && ! [ "$root/scripts/setup.sh" -nt "$root/dist/.$1" ] &&
    { read -r marked_machine <"$root/dist/.$1" || true; } && [ "$marked_machine" = "$(machine_id)" ]
}

machine_id() {
  machine=
  [ ! -r /etc/machine-id ] || read -r machine </etc/machine-id || true
  printf '%s\n' "machine-${machine:-unknown}"
}

set_up() {
  command -v node >/dev/null ||
    fail PROGRAM_NOT_FOUND 35 "node is not installed" "install Node $node_least or newer: https://nodejs.org/en/download"
  missing=
  for part in "$@"; do
    case $part in
      npm) ready_npm || missing="$missing npm" ;;
      debian) ready_debian || missing="$missing debian" ;;
      debian-test) ready_debian_test || missing="$missing debian-test" ;;
      build) ready_build || missing="$missing build" ;;
    esac
  done
  [ -z "$missing" ] || set_up_missing "$missing"
}

# Under a lock: of two at a time one works, the other finds it done.
set_up_missing() {
  check_node
  mkdir -p "$root/dist" 2>/dev/null && [ -w "$root/dist" ] ||
    fail PERMISSION_DENIED 37 "the checkout $root has to be set up, and you may not write in it" "run it once as its owner: $root/slipway version"
  exec 9>>"$root/dist/.lock"
  flock -n 9 || {
    say "waiting for another slipway that sets up this checkout"
    flock 9
  }
  for part in $1; do
    case $part in
      npm) ready_npm || install_npm ;;
      debian) ready_debian || install_debian debian "$debian_packages" ;;
      debian-test) ready_debian_test || install_debian debian-test "$debian_test_packages" ;;
      build) ready_build || build ;;
    esac
  done
  # What root made in somebody's checkout belongs to that somebody.
  if [ "$(id -u)" = 0 ] && [ "$(stat -c %u "$root/package.json")" != 0 ]; then
    chown -R --reference="$root/package.json" "$root/dist" "$root/node_modules"
  fi
  exec 9>&-
}

check_node() {
  node_version=$(node -p process.versions.node)
  node_rest=${node_version#*.}
  [ "${node_version%%.*}" -gt "${node_least%.*}" ] || {
    [ "${node_version%%.*}" -eq "${node_least%.*}" ] && [ "${node_rest%%.*}" -ge "${node_least#*.}" ]
  } || fail PROGRAM_NOT_FOUND 35 "node is $node_version; slipway needs $node_least or newer" "install Node $node_least or newer: https://nodejs.org/en/download"
}

install_npm() {
  command -v npm >/dev/null ||
    fail PROGRAM_NOT_FOUND 35 "npm is not installed" "install it with Node: https://nodejs.org/en/download"
  say "installing npm packages"
  # Not npm ci: it refuses a lock file without the packages of other platforms, which not every registry has.
  logged head npm install --prefix "$root" --no-save --prefer-offline --no-audit --no-fund --loglevel=error ||
    fail PROGRAM_FAILED 30 "npm install failed; its log is $root/dist/setup.log" "cd $root && npm install --no-save"
}

# install_debian MARK TABLE
install_debian() {
  wanted=$(printf '%s\n' "$2" | while read -r package _; do printf '%s\n' "$package"; done)
  if command -v dpkg-query >/dev/null; then
    absent=
    for package in $wanted; do
      case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) absent="$absent $package" ;;
      esac
    done
    [ -z "$absent" ] || install_packages "$absent"
  else
    say "this is not Debian; see to it that it has what these packages have:" $wanted
  fi
  [ "$1" = debian ] && check_go
  machine_id >"$root/dist/.$1"
}

install_packages() {
  [ "$(id -u)" = 0 ] ||
    fail PERMISSION_DENIED 37 "Debian packages are missing, and only root can install them:$1" "sudo apt-get install --no-install-recommends$1"
  say "installing Debian packages:$1"
  logged tail apt-get update -q || say "apt-get update failed; going on with the package lists that are here"
  # shellcheck disable=SC2086 # a list of names
  logged tail env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 $1 ||
    fail PROGRAM_FAILED 30 "apt-get install failed; its log is $root/dist/setup.log" "apt-get install$1"
}

# Components can be had without Go, so its absence is no error.
check_go() {
  command -v go >/dev/null ||
    say "go is not installed: components can come only from a bundle, a mirror or upstream's release files"
}

build() {
  say "building"
  logged head node "$root/scripts/build.mjs" --fast ||
    fail PROGRAM_FAILED 30 "the build failed; its log is $root/dist/setup.log" "cd $root && npm run check"
}

# logged head|tail COMMAND: its output goes to the log; when it fails, that end of it that tells why also to the terminal.
logged() {
  telling=$1
  shift
  "$@" >"$root/dist/setup.log" 2>&1 </dev/null 9>&- || {
    "$telling" -n 15 "$root/dist/setup.log" >&2
    return 1
  }
}
