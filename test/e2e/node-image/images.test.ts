import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageRecipes } from "../../../src/components/image-recipes.js";
import { exampleNetwork, exampleSpec } from "../../../src/machines/driver.contract.js";
import { createSandboxDriver } from "../../../src/machines/sandbox/driver.js";
import { ensureNodeImage } from "../../../src/node-image/build.js";
import { cloneTree } from "../../../src/node-image/clone-tree.js";
import { ensureImageSet } from "../../../src/node-image/image-set.js";
import { ensureNodeLayer } from "../../../src/node-image/layer.js";
import { components, context } from "./subject.js";

/** What to run in each image, and what it says: by that all that dynamic programs load is there. */
const trials: Record<string, Record<string, string>> = {
  "pause-image": { "/pause -v": "3.10.1" },
  "coredns-image": { "/coredns -version": "CoreDNS-1.14.7" },
  "metrics-server-image": { "/metrics-server --version": "0.9.0" },
  "local-path-provisioner-image": { "local-path-provisioner --help": "Local Path Provisioner" },
  "busybox-image": {
    "id -un nobody": "nobody",
    "sh -ec 'mkdir -p /a/b && ls /a && wget --help 2>&1 | head -n 1'": "b\nBusyBox v1.35.0",
  },
  "agnhost-image": {
    "/agnhost-2 --help": "netexec",
    "/agnhost --version": "app version 2.63.0+source",
    "dig -v": "DiG 9.18",
    "curl --version": "curl 7.88",
    "sh -c 'nc -h 2>&1; true'": "OpenBSD netcat",
    "sh -c 'ip -V'": "iproute2",
    "ss -V": "iproute2",
    "iperf -v": "iperf version 2",
    "socat -V": "socat version 1",
    "ipcs --version": "util-linux",
    "bash -c 'type -p iperf && wget --help 2>&1 | head -n 1'": "/usr/local/bin/iperf\nBusyBox",
    "id -Gn user-defined-in-image": "group-defined-in-image",
  },
  "flannel-image": {
    "/opt/bin/flanneld --version": "v0.28.4",
    "iptables -V": "iptables v1.8",
    "nft -v": "nftables v1",
    "sh -ec 'cp /flannel /tmp/x && ls /tmp'": "x",
  },
  "pod-checkpointer-image": {
    "node --version": "v18.",
    "node /pod-checkpointer.cjs": "POD_NAMESPACE",
    "flock --version": "util-linux",
  },
  "etcd-image": {
    "etcd --version": "etcd Version: 3.6.8",
    "etcdctl version": "etcdctl version: 3.6.8",
    "etcdutl version": "etcdutl version: 3.6.8",
  },
  "kube-apiserver-image": { "kube-apiserver --version": "Kubernetes v1.36" },
  "kube-controller-manager-image": { "kube-controller-manager --version": "Kubernetes v1.36" },
  "kube-scheduler-image": { "kube-scheduler --version": "Kubernetes v1.36" },
  "kube-proxy-image": {
    "kube-proxy --version": "Kubernetes v1.36",
    "iptables -V": "nf_tables",
    "ip6tables-restore --version": "nf_tables",
    "nft -v": "nftables v1",
    "conntrack -V": "conntrack v1",
    "ipset -v": "ipset v7",
    "modprobe --version": "kmod version",
  },
};

describe("the images that slipway builds", () => {
  const cluster = "ownimages";
  let scratch: string;
  let driver: ReturnType<typeof createSandboxDriver>;
  const references = new Map<string, string>();

  beforeAll(async () => {
    const image = await ensureNodeImage(context);
    const binaries = await components("containerd", "containerd-shim-runc-v2", "ctr", "runc");
    const layer = await ensureNodeLayer(binaries, context);
    const images = await components(...Object.keys(imageRecipes));
    for (const { name, image } of images) references.set(name, image!);
    const seed = (await ensureImageSet(images, { nodeImage: image.path, layer }, context)).path;
    scratch = await mkdtemp(join(context.paths.cache, "test-"));
    driver = createSandboxDriver({
      stateDirectory: scratch,
      seedVolume: (from, to) => cloneTree(from, to, context),
    });
    await driver.ensureNetwork(exampleNetwork(cluster, 223));
    const volumes = [{ path: "/var/lib/containerd", seed }];
    await driver.create(
      exampleSpec(cluster, "one", [layer, image.path], { address: "10.79.223.11", volumes }),
    );
    await driver.start(cluster, "one");
    const start =
      "until systemctl is-system-running --wait >/dev/null 2>&1; do sleep 0.05; done; " +
      "systemd-run --quiet --property=Delegate=yes containerd; until ctr version >/dev/null 2>&1; do sleep 0.1; done";
    await driver.exec(cluster, "one", ["sh", "-c", start]);
  });
  afterAll(async () => {
    await driver.delete(cluster, "one");
    await driver.deleteNetwork(cluster);
    await rm(scratch, { recursive: true, force: true });
  });

  test("each has a trial", () =>
    expect(Object.keys(trials).sort()).toEqual(Object.keys(imageRecipes).sort()));

  test.each(Object.keys(trials))("the programs of %s run", async (name) => {
    const result: Record<string, string> = {};
    for (const command of Object.keys(trials[name]!)) {
      const run = `ctr --namespace k8s.io run --rm ${references.get(name)} trial ${command}`;
      const { stdout, stderr } = await driver.exec(cluster, "one", ["sh", "-ec", run], {
        allowFailure: true,
      });
      result[command] = `${stdout}${stderr}`;
    }
    const wanted = Object.entries(trials[name]!);
    const others = wanted.filter(([command, says]) => !result[command]?.includes(says));
    expect(others.map(([command]) => [command, result[command]])).toEqual([]);
  });
});
