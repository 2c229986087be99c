import { podCheckpointerBuild } from "../base/pod-checkpointer-build.js";
import type { ImageRecipe } from "./oci/image.js";

const passwd = (...more: string[]) =>
  ["root:x:0:0:root:/root:/bin/sh", ...more, "nobody:x:65534:65534:nobody:/nonexistent:/bin/false", ""].join(
    "\n",
  );
const group = (...more: string[]) => ["root:x:0:", ...more, "nogroup:x:65534:", ""].join("\n");

/** For images of one static program: names for the users that programs look up, hosts before DNS. */
const baseFiles = {
  "/etc/passwd": passwd("nonroot:x:65532:65532:nonroot:/home/nonroot:/bin/false"),
  "/etc/group": group("nonroot:x:65532:"),
  "/etc/nsswitch.conf": "hosts: files dns\n",
};

/** busybox as all the tools there are. */
const busyboxLayout = { "/bin": "usr/bin", "/sbin": "usr/bin" };

const controlPlane = (name: string): ImageRecipe => ({
  name: `slipway.local/${name}`,
  components: [{ name, path: `/usr/local/bin/${name}` }],
  files: baseFiles,
  caCertificates: true,
  entrypoint: [`/usr/local/bin/${name}`],
});

/**
 * The images that slipway builds itself, by component name. Paths, users and entry points are those of upstream's
 * images, so that manifests written for them fit.
 */
export const imageRecipes: Record<string, ImageRecipe> = {
  "pause-image": {
    name: "slipway.local/pause",
    components: [{ name: "pause", path: "/pause" }],
    entrypoint: ["/pause"],
    user: "65535:65535",
  },
  "coredns-image": {
    name: "slipway.local/coredns",
    components: [{ name: "coredns", path: "/coredns", capability: "net_bind_service" }],
    files: baseFiles,
    caCertificates: true,
    entrypoint: ["/coredns"],
    user: "65532:65532",
    exposedPorts: ["53/tcp", "53/udp"],
  },
  "metrics-server-image": {
    name: "slipway.local/metrics-server",
    components: [{ name: "metrics-server", path: "/metrics-server" }],
    files: baseFiles,
    caCertificates: true,
    entrypoint: ["/metrics-server"],
    user: "65534:65534",
  },
  "local-path-provisioner-image": {
    name: "slipway.local/local-path-provisioner",
    components: [{ name: "local-path-provisioner", path: "/usr/bin/local-path-provisioner" }],
    files: baseFiles,
    caCertificates: true,
    cmd: ["local-path-provisioner"],
  },
  "busybox-image": {
    name: "slipway.local/busybox",
    components: [{ name: "busybox", path: "/usr/bin/busybox" }],
    busyboxCommands: true,
    directories: { "/root": 0o700, "/var/spool/mail": 0o755, "/home": 0o755 },
    files: { "/etc/passwd": passwd(), "/etc/group": group(), "/etc/nsswitch.conf": "hosts: files dns\n" },
    links: busyboxLayout,
    cmd: ["sh"],
  },
  "agnhost-image": {
    name: "slipway.local/agnhost",
    components: [
      { name: "agnhost", path: "/agnhost" },
      { name: "busybox", path: "/usr/bin/busybox" },
    ],
    // What upstream takes from Alpine, and what its tests find there; busybox has the rest.
    debianPackages: [
      "bash",
      "bind9-dnsutils",
      "curl",
      "dash",
      "iperf",
      "iproute2",
      "netcat-openbsd",
      "socat",
      "util-linux",
    ],
    busyboxCommands: true,
    caCertificates: true,
    directories: { "/uploads": 0o755, "/root": 0o700, "/home/user-defined-in-image": 0o755 },
    files: {
      // The e2e test of supplemental groups looks for this user and group.
      "/etc/passwd": passwd("user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh"),
      "/etc/group": group(
        "user-defined-in-image:x:1000:",
        "group-defined-in-image:x:50000:user-defined-in-image",
      ),
      "/etc/nsswitch.conf": "hosts: files dns\n",
    },
    links: {
      "/agnhost-2": "agnhost",
      "/usr/bin/nc": "nc.openbsd",
      // Not busybox's shell: Debian's prefers its own `ip`, `nc` and `wget` to the programs in the path.
      "/usr/bin/sh": "dash",
      "/usr/local/bin/iperf": "/usr/bin/iperf",
    },
    entrypoint: ["/agnhost"],
    cmd: ["pause"],
    exposedPorts: ["80/tcp", "5000/tcp", "8080/tcp", "8081/tcp", "9376/tcp"],
  },
  "flannel-image": {
    name: "slipway.local/flannel",
    components: [
      { name: "flanneld", path: "/opt/bin/flanneld" },
      // Upstream ships it as an image of its own, to be copied to /opt/cni/bin.
      { name: "cni-flannel", path: "/flannel" },
      { name: "busybox", path: "/usr/bin/busybox" },
    ],
    debianPackages: ["iproute2", "iptables", "nftables"],
    busyboxCommands: true,
    caCertificates: true,
    files: baseFiles,
    links: iptablesLinks(),
    entrypoint: ["/opt/bin/flanneld"],
  },
  "pod-checkpointer-image": {
    name: "slipway.local/pod-checkpointer",
    version: podCheckpointerBuild.version,
    components: [],
    // flock of util-linux: its lock. Node's package wants Python, for building modules.
    debianPackages: ["nodejs", "util-linux"],
    withoutPaths: ["etc/python3", "usr/bin/(?:pdb3|py|python)[^/]*", "usr/lib/(?:python3[^/]*|valgrind)"],
    files: baseFiles,
    ownFiles: {
      "/pod-checkpointer.cjs": { name: "pod-checkpointer.cjs", sha256: podCheckpointerBuild.sha256 },
    },
    entrypoint: [
      "/usr/bin/node",
      "--max-semi-space-size=1",
      "--max-old-space-size=48",
      "/pod-checkpointer.cjs",
    ],
  },
  "etcd-image": {
    name: "slipway.local/etcd",
    components: ["etcd", "etcdctl", "etcdutl"].map((name) => ({ name, path: `/usr/local/bin/${name}` })),
    entrypoint: ["/usr/local/bin/etcd"],
  },
  "kube-apiserver-image": {
    ...controlPlane("kube-apiserver"),
    components: [
      { name: "kube-apiserver", path: "/usr/local/bin/kube-apiserver", capability: "net_bind_service" },
    ],
  },
  "kube-controller-manager-image": controlPlane("kube-controller-manager"),
  "kube-scheduler-image": controlPlane("kube-scheduler"),
  "kube-proxy-image": {
    ...controlPlane("kube-proxy"),
    debianPackages: ["conntrack", "ipset", "iptables", "kmod", "nftables"],
    links: iptablesLinks(),
  },
};

/** What update-alternatives would choose when the package is installed: the nftables backend. */
function iptablesLinks(): Record<string, string> {
  const names = ["iptables", "ip6tables"].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
  return Object.fromEntries(names.map((name) => [`/usr/sbin/${name}`, "xtables-nft-multi"]));
}
