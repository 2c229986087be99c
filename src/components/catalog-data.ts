import { podCheckpointerBuild } from "../base/pod-checkpointer-build.js";
import type { CatalogEntry, GoBuild } from "./catalog-entry.js";

/** Newest first; the first is the default. */
export const kubernetesVersions = ["v1.36.3", "v1.35.4", "v1.34.4"] as const;

const versions = {
  etcd: ["v3.6.8"],
  containerd: ["v2.4.2"],
  runc: ["v1.5.2"],
  cni: ["v1.9.1"],
  flannel: ["v0.28.4"],
  flannelCni: ["v0.9.1"],
  coredns: ["v1.14.7"],
  metricsServer: ["v0.9.0"],
  localPath: ["v0.0.30"],
  crictl: ["v1.36.0"],
  agnhost: ["2.63.0"],
  pause: ["3.10.1"],
  busybox: ["1.35.0"],
  ignition: ["v2.24.0"],
  ipxe: ["1.0.0"],
  butane: ["v0.23.0"],
  matchbox: ["v0.11.0"],
} as const;

/** The kubernetes module whose tree holds agnhost 2.63.0, and the source of pause. */
const testImagesModule = { module: "k8s.io/kubernetes", moduleVersion: "v1.36.3" } as const;

// The tree state is "archive", which upstream uses for builds from a source archive (component-base/version/base.go);
// the version itself stays the real one, because kubectl, kubeadm and the kubelet compare it.
const kubernetesFlags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
  `-X ${path}.gitVersion={version}`,
  `-X ${path}.gitMajor={major}`,
  `-X ${path}.gitMinor={minor}`,
  `-X ${path}.gitTreeState=archive`,
  `-X ${path}.gitCommit={commit}`,
  `-X ${path}.buildDate={time}`,
]);

const kubernetes = (name: string): CatalogEntry => ({
  name,
  kind: "binary",
  versions: kubernetesVersions,
  upstream: {
    url: "https://dl.k8s.io/release/{version}/bin/linux/{arch}/{name}",
    checksumUrl: "https://dl.k8s.io/release/{version}/bin/linux/{arch}/{name}.sha256",
  },
  build: {
    language: "go",
    module: "k8s.io/kubernetes",
    package: `cmd/${name}`,
    tags: ["providerless"],
    ldflags: kubernetesFlags,
  },
});

const etcd = (name: string, directory: string): CatalogEntry => ({
  name,
  kind: "binary",
  versions: versions.etcd,
  upstream: {
    url: "https://github.com/etcd-io/etcd/releases/download/{version}/etcd-{version}-linux-{arch}.tar.gz",
    checksumUrl: "https://github.com/etcd-io/etcd/releases/download/{version}/SHA256SUMS",
    member: "etcd-{version}-linux-{arch}/{name}",
  },
  build: {
    language: "go",
    module: `go.etcd.io/etcd/${directory}/v3`,
    package: "",
    ldflags: ["-X go.etcd.io/etcd/api/v3/version.GitSHA={commit}"],
  },
});

const containerd = (name: string): CatalogEntry => ({
  name,
  kind: "binary",
  versions: versions.containerd,
  upstream: {
    url: "https://github.com/containerd/containerd/releases/download/{version}/containerd-{bare}-linux-{arch}.tar.gz",
    checksumUrl:
      "https://github.com/containerd/containerd/releases/download/{version}/containerd-{bare}-linux-{arch}.tar.gz.sha256sum",
    member: "bin/{name}",
  },
  build: {
    language: "go",
    module: "github.com/containerd/containerd/v2",
    package: `cmd/${name}`,
    ldflags: [
      "-X github.com/containerd/containerd/v2/version.Version={version}+source",
      "-X github.com/containerd/containerd/v2/version.Revision={commit}",
    ],
  },
});

const cni = (kind: "main" | "ipam" | "meta", plugin: string): CatalogEntry => ({
  name: `cni-${plugin}`,
  kind: "binary",
  versions: versions.cni,
  upstream: {
    url: "https://github.com/containernetworking/plugins/releases/download/{version}/cni-plugins-linux-{arch}-{version}.tgz",
    checksumUrl:
      "https://github.com/containernetworking/plugins/releases/download/{version}/cni-plugins-linux-{arch}-{version}.tgz.sha256",
    member: plugin,
  },
  build: {
    language: "go",
    module: "github.com/containernetworking/plugins",
    package: `plugins/${kind}/${plugin}`,
    ldflags: [
      "-X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion={version}+source",
    ],
  },
});

/** Debian's builds are of git commits after 1.0.0; the package's full version is in the provenance. */
const ipxe = (name: string, file: string): CatalogEntry => ({
  name,
  kind: "binary",
  versions: versions.ipxe,
  debian: { package: "ipxe", file },
});

const goCommand = (name: string, of: readonly string[], build: Omit<GoBuild, "language">): CatalogEntry => ({
  name,
  kind: "binary",
  versions: of,
  build: { language: "go", ...build },
});

const image = (name: string, of: readonly string[], registry: string): CatalogEntry => ({
  name: `${name}-image`,
  kind: "image",
  versions: of,
  registry,
});

export const catalogEntries: readonly CatalogEntry[] = [
  kubernetes("kube-apiserver"),
  kubernetes("kube-controller-manager"),
  kubernetes("kube-scheduler"),
  kubernetes("kube-proxy"),
  kubernetes("kubelet"),
  kubernetes("kubeadm"),
  kubernetes("kubectl"),
  etcd("etcd", "server"),
  etcd("etcdctl", "etcdctl"),
  etcd("etcdutl", "etcdutl"),
  containerd("containerd"),
  containerd("containerd-shim-runc-v2"),
  containerd("ctr"),
  {
    name: "runc",
    kind: "binary",
    versions: versions.runc,
    upstream: {
      url: "https://github.com/opencontainers/runc/releases/download/{version}/runc.{arch}",
      checksumUrl: "https://github.com/opencontainers/runc/releases/download/{version}/runc.sha256sum",
    },
    build: {
      language: "go",
      module: "github.com/opencontainers/runc",
      package: "",
      // Static as upstream's releases are, so that it runs on any node image; without libpathrs, which Debian 12 lacks.
      tags: ["seccomp", "urfave_cli_no_docs", "netgo", "osusergo"],
      ldflags: [
        "-linkmode external",
        "-extldflags -static",
        "-X main.extraVersion=+source",
        "-X main.gitCommit={commit}",
      ],
      cgo: { libraries: [{ name: "libseccomp", debianPackage: "libseccomp-dev" }] },
    },
  },
  ...["bridge", "loopback", "ptp", "vlan", "macvlan", "ipvlan", "host-device", "dummy"].map((plugin) =>
    cni("main", plugin),
  ),
  ...["host-local", "static", "dhcp"].map((plugin) => cni("ipam", plugin)),
  ...["portmap", "firewall", "bandwidth", "tuning", "sbr", "vrf"].map((plugin) => cni("meta", plugin)),
  // The plugin's last release before it moved out of this module: later ones are not to be had as a Go module everywhere.
  { ...cni("meta", "flannel"), versions: versions.flannelCni },
  goCommand("flanneld", versions.flannel, {
    module: "github.com/flannel-io/flannel",
    package: "",
    ldflags: ["-X github.com/flannel-io/flannel/pkg/version.Version={version}+source"],
    // tencentvpc drags a cloud's SDK in, udp needs cgo; both are dead weight here.
    withoutImports: { file: "main.go", imports: ["/backend/tencentvpc", "/backend/udp"] },
  }),
  {
    name: "coredns",
    kind: "binary",
    versions: versions.coredns,
    upstream: {
      url: "https://github.com/coredns/coredns/releases/download/{version}/coredns_{bare}_linux_{arch}.tgz",
      checksumUrl:
        "https://github.com/coredns/coredns/releases/download/{version}/coredns_{bare}_linux_{arch}.tgz.sha256",
      member: "coredns",
    },
    build: {
      language: "go",
      module: "github.com/coredns/coredns",
      package: "",
      ldflags: ["-X github.com/coredns/coredns/coremain.GitCommit={commit}"],
    },
  },
  goCommand("metrics-server", versions.metricsServer, {
    module: "sigs.k8s.io/metrics-server",
    package: "cmd/metrics-server",
    ldflags: [
      "-X k8s.io/client-go/pkg/version.gitVersion={version}",
      "-X k8s.io/client-go/pkg/version.gitCommit={commit}",
      "-X k8s.io/client-go/pkg/version.gitTreeState=archive",
      "-X k8s.io/client-go/pkg/version.buildDate={time}",
    ],
  }),
  goCommand("local-path-provisioner", versions.localPath, {
    module: "github.com/rancher/local-path-provisioner",
    package: "",
    ldflags: ["-X main.VERSION={version}+source"],
  }),
  goCommand("agnhost", versions.agnhost, {
    ...testImagesModule,
    package: "test/images/agnhost",
    ldflags: ["-X main.Version={version}+source"],
  }),
  {
    name: "pause",
    kind: "binary",
    versions: versions.pause,
    build: {
      language: "c",
      ...testImagesModule,
      file: "build/pause/linux/pause.c",
      flags: ["-Os", "-Wall", "-Werror", "-static", "-s", "-DVERSION=v{version}-source"],
    },
  },
  {
    name: "busybox",
    kind: "binary",
    versions: versions.busybox,
    debian: { package: "busybox-static", file: "bin/busybox" },
  },
  ipxe("ipxe-undionly", "usr/lib/ipxe/undionly.kpxe"),
  ipxe("ipxe-efi", "boot/ipxe.efi"),
  ipxe("ipxe-snponly", "usr/lib/ipxe/snponly.efi"),
  {
    name: "crictl",
    kind: "binary",
    versions: versions.crictl,
    upstream: {
      url: "https://github.com/kubernetes-sigs/cri-tools/releases/download/{version}/crictl-{version}-linux-{arch}.tar.gz",
      checksumUrl:
        "https://github.com/kubernetes-sigs/cri-tools/releases/download/{version}/crictl-{version}-linux-{arch}.tar.gz.sha256",
      member: "crictl",
    },
    build: {
      language: "go",
      module: "sigs.k8s.io/cri-tools",
      package: "cmd/crictl",
      ldflags: ["-X sigs.k8s.io/cri-tools/pkg/version.Version={bare}+source"],
    },
  },
  goCommand("ignition", versions.ignition, {
    module: "github.com/coreos/ignition/v2",
    package: "internal",
    ldflags: [
      "-X github.com/coreos/ignition/v2/internal/version.Raw={bare}",
      "-X github.com/coreos/ignition/v2/internal/distro.selinuxRelabel=false",
    ],
    cgo: { libraries: [{ name: "blkid", debianPackage: "libblkid-dev" }] },
  }),
  goCommand("ignition-validate", versions.ignition, {
    module: "github.com/coreos/ignition/v2",
    package: "validate",
    ldflags: ["-X github.com/coreos/ignition/v2/internal/version.Raw={bare}"],
  }),
  goCommand("butane", versions.butane, {
    module: "github.com/coreos/butane",
    package: "internal",
    ldflags: ["-X github.com/coreos/butane/internal/version.Raw={bare}"],
  }),
  ...["matchbox", "bootcmd"].map((name) =>
    goCommand(name, versions.matchbox, {
      module: "github.com/poseidon/matchbox",
      package: `cmd/${name}`,
      ldflags: [
        "-X github.com/poseidon/matchbox/matchbox/version.Version={version}+source",
        "-X github.com/poseidon/matchbox/matchbox/cli.version={version}+source",
      ],
    }),
  ),
  image("pause", versions.pause, "registry.k8s.io/pause:{version}"),
  image("coredns", versions.coredns, "docker.io/coredns/coredns:{bare}"),
  image("metrics-server", versions.metricsServer, "registry.k8s.io/metrics-server/metrics-server:{version}"),
  image("local-path-provisioner", versions.localPath, "docker.io/rancher/local-path-provisioner:{version}"),
  image("agnhost", versions.agnhost, "registry.k8s.io/e2e-test-images/agnhost:{version}"),
  image("busybox", versions.busybox, "docker.io/library/busybox:{version}"),
  { name: "pod-checkpointer-image", kind: "image", versions: [podCheckpointerBuild.version] },
  image("flannel", versions.flannel, "ghcr.io/flannel-io/flannel:{version}"),
  image("etcd", versions.etcd, "registry.k8s.io/etcd:{bare}-0"),
  image("kube-apiserver", kubernetesVersions, "registry.k8s.io/kube-apiserver:{version}"),
  image("kube-controller-manager", kubernetesVersions, "registry.k8s.io/kube-controller-manager:{version}"),
  image("kube-scheduler", kubernetesVersions, "registry.k8s.io/kube-scheduler:{version}"),
  image("kube-proxy", kubernetesVersions, "registry.k8s.io/kube-proxy:{version}"),
];
