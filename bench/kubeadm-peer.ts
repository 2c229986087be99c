import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Context } from "../src/base/context.js";
import { hostDriver } from "../src/cluster/driver.js";
import { readPlatformFacts } from "../src/cluster/facts.js";
import { refOf } from "../src/components/catalog.js";
import { ensureComponents } from "../src/components/ensure.js";
import type { IgnitionConfig } from "../src/ignition/config.js";
import { encodeDataUrl } from "../src/ignition/data-url.js";
import { ensureNodeImage } from "../src/node-image/build.js";
import { ensureImageSet } from "../src/node-image/image-set.js";
import { ensureNodeLayer } from "../src/node-image/layer.js";
import { containerdConfig } from "../src/plan/containerd.js";
import { onDiskOfHost } from "../src/plan/kubelet.js";
import { bridgeConflist, masqueradeRules } from "../src/plan/network.js";
import { places } from "../src/plan/places.js";
import { serviceText } from "../src/plan/unit.js";
import type { ClusterSpec } from "../src/spec/cluster-spec.js";

/**
 * `kubeadm init` on a node of the same image with the same binaries, images in, containerd running: what is timed is
 * kubeadm's own command, and making the node schedulable.
 */
export class KubeadmPeer {
  readonly cluster = "bench-kubeadm";
  readonly #address = "10.79.0.2";
  readonly #context: Context;
  readonly #directory: string;
  readonly #version: string;

  constructor(context: Context, directory: string, kubernetesVersion: string) {
    this.#context = context;
    this.#directory = directory;
    this.#version = kubernetesVersion;
  }

  get kubeconfig(): string {
    return join(this.#directory, "kubeadm.kubeconfig");
  }

  /** A booted node, ready for kubeadm. Not timed. */
  async prepare(): Promise<void> {
    const context = this.#context;
    const driver = hostDriver(context);
    const binaries = [
      ...["kubelet", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr", "crictl", "runc"],
      ...["cni-loopback", "cni-bridge", "cni-host-local", "cni-portmap"],
    ];
    const images = [
      ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"],
      ...["etcd", "coredns", "pause", "agnhost"],
    ].map((name) => `${name}-image`);
    const refs = (names: string[]) => names.map((name) => refOf(name, this.#version));
    const stored = await ensureComponents(refs([...binaries, ...images]), {}, context);
    const nodeImage = await ensureNodeImage(context);
    const layer = await ensureNodeLayer(
      binaries.map((name) => stored.get(name)!),
      context,
    );
    const imageSet = await ensureImageSet(
      images.map((name) => stored.get(name)!),
      { nodeImage: nodeImage.path, layer },
      context,
    );
    await driver.ensureNetwork(
      { cluster: this.cluster, nodeSubnet: "10.79.0.0/24", gateway: "10.79.0.1", podSubnet: "10.244.0.0/16" },
      context,
    );
    await driver.create(
      {
        cluster: this.cluster,
        name: "kubeadm",
        role: "control-plane",
        address: this.#address,
        podCidr: "10.244.0.0/24",
        layers: [layer, nodeImage.path],
        config: await this.#nodeConfig(
          stored.get("coredns-image")!.version,
          stored.get("etcd-image")!.version,
        ),
        mounts: [],
        ports: [],
        volumes: [
          { path: places.containerdRoot, seed: imageSet.path },
          { path: places.kubeletRoot },
          { path: places.etcdData },
        ],
      },
      context,
    );
    await driver.start(this.cluster, "kubeadm", context);
    await this.#inNode([
      "sh",
      "-c",
      "until ctr --address /run/containerd/containerd.sock version; do sleep 0.05; done",
    ]);
  }

  /** The timed command. */
  async init(): Promise<void> {
    await this.#inNode([
      "kubeadm",
      "init",
      "--config=/etc/kubernetes/kubeadm.yaml",
      "--ignore-preflight-errors=all",
    ]);
    const admin = await this.#inNode(["cat", "/etc/kubernetes/admin.conf"]);
    await writeFile(this.kubeconfig, admin, { mode: 0o600 });
    await this.#inNode([
      ...["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "taint", "nodes", "--all"],
      "node-role.kubernetes.io/control-plane-",
    ]);
  }

  async remove(): Promise<void> {
    const driver = hostDriver(this.#context);
    await driver.delete(this.cluster, "kubeadm", this.#context);
    await driver.deleteNetwork(this.cluster, this.#context);
  }

  async #inNode(command: string[]): Promise<string> {
    const driver = hostDriver(this.#context);
    const { stdout } = await driver.exec(this.cluster, "kubeadm", command, { timeoutMs: 300_000 });
    return stdout;
  }

  async #nodeConfig(corednsVersion: string, etcdVersion: string): Promise<IgnitionConfig> {
    const facts = await readPlatformFacts();
    const text = (path: string, contents: string, mode = 0o600) => ({
      path,
      mode,
      overwrite: true,
      contents: { source: encodeDataUrl(contents) },
    });
    const node = {
      name: "kubeadm",
      role: "control-plane",
      address: this.#address,
      podCidr: "10.244.0.0/24",
    } as const;
    const spec = { network: { podSubnet: "10.244.0.0/16" } } as ClusterSpec;
    const unit = (name: string, contents: string) => ({ name: `${name}.service`, enabled: true, contents });
    return {
      ignition: { version: "3.4.0" },
      storage: {
        files: [
          text("/etc/containerd/config.toml", containerdConfig(facts)),
          text(`${places.cniConfig}/10-slipway.conflist`, bridgeConflist(node)),
          text("/etc/slipway/masquerade.nft", masqueradeRules(spec)),
          text(
            "/etc/kubernetes/kubeadm.yaml",
            this.#kubeadmConfig(facts.cgroupVersion, corednsVersion, etcdVersion),
          ),
        ],
      },
      systemd: {
        units: [
          unit(
            "containerd",
            serviceText({
              description: "containerd",
              command: ["/usr/local/bin/containerd"],
              type: "notify",
              options: ["Delegate=yes", "KillMode=process", "LimitNOFILE=1048576", "TasksMax=infinity"],
            }),
          ),
          unit(
            "slipway-network",
            serviceText({
              description: "masquerading",
              command: ["/usr/sbin/nft", "-f", "/etc/slipway/masquerade.nft"],
              type: "oneshot",
            }),
          ),
          // As kubeadm's packages have it: started, and restarted until kubeadm has written its configuration.
          unit(
            "kubelet",
            serviceText({
              description: "kubelet",
              after: ["containerd.service"],
              command: [
                "/bin/sh",
                "-c",
                ". /var/lib/kubelet/kubeadm-flags.env; exec /usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf $KUBELET_KUBEADM_ARGS",
              ],
              options: ["KillMode=process"],
            }),
          ),
        ],
      },
    };
  }

  #kubeadmConfig(cgroupVersion: 1 | 2, corednsVersion: string, etcdVersion: string): string {
    const local = "slipway.local";
    return [
      {
        apiVersion: "kubeadm.k8s.io/v1beta4",
        kind: "InitConfiguration",
        localAPIEndpoint: { advertiseAddress: this.#address, bindPort: 6443 },
        nodeRegistration: { name: "kubeadm", criSocket: `unix://${places.containerdSocket}` },
      },
      {
        apiVersion: "kubeadm.k8s.io/v1beta4",
        kind: "ClusterConfiguration",
        kubernetesVersion: this.#version,
        imageRepository: local,
        dns: { imageRepository: local, imageTag: corednsVersion },
        etcd: { local: { imageRepository: local, imageTag: etcdVersion } },
        networking: { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/16" },
      },
      {
        apiVersion: "kubelet.config.k8s.io/v1beta1",
        kind: "KubeletConfiguration",
        ...(cgroupVersion === 1
          ? { cgroupDriver: "cgroupfs", failCgroupV1: false }
          : { cgroupDriver: "systemd" }),
        enforceNodeAllocatable: [],
        failSwapOn: false,
        // How full it is must not decide what is timed.
        ...onDiskOfHost,
      },
      {
        apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
        kind: "KubeProxyConfiguration",
        mode: "nftables",
        conntrack: { maxPerCore: 0 },
      },
    ]
      .map((document) => stringify(document))
      .join("---\n");
  }
}
