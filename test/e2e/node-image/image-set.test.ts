import { lstat, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import type { IgnitionConfig } from "../../../src/ignition/config.js";
import { exampleNetwork, exampleSpec } from "../../../src/machines/driver.contract.js";
import type { MachineDriver } from "../../../src/machines/driver.js";
import { createSandboxDriver } from "../../../src/machines/sandbox/driver.js";
import { ensureNodeImage } from "../../../src/node-image/build.js";
import { cloneTree } from "../../../src/node-image/clone-tree.js";
import { ensureImageSet } from "../../../src/node-image/image-set.js";
import { ensureNodeLayer } from "../../../src/node-image/layer.js";
import { components, context, treeHash } from "./subject.js";

const cluster = "imageset";
const data = (text: string) => ({ source: `data:;base64,${Buffer.from(text).toString("base64")}` });

/** A node with containerd and a network for one pod; no kubelet, crictl asks in its place. */
const config: IgnitionConfig = {
  ignition: { version: "3.4.0" },
  storage: {
    files: [
      {
        path: "/etc/containerd/config.toml",
        contents: data(`version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "slipway.local/pause:3.10.1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
`),
      },
      {
        path: "/etc/cni/net.d/10-test.conflist",
        contents: data(
          JSON.stringify({
            cniVersion: "1.0.0",
            name: "test",
            plugins: [
              {
                type: "bridge",
                bridge: "cni0",
                isGateway: true,
                ipam: { type: "host-local", ranges: [[{ subnet: "10.244.0.0/24" }]] },
              },
            ],
          }),
        ),
      },
      {
        path: "/etc/crictl.yaml",
        contents: data("runtime-endpoint: unix:///run/containerd/containerd.sock\n"),
      },
      {
        path: "/opt/pod.json",
        contents: data(JSON.stringify({ metadata: { name: "pod", namespace: "test", uid: "1" }, linux: {} })),
      },
      ...(["busybox:1.35.0", "coredns:v1.14.7"] as const).map((image) => ({
        path: `/opt/${image.split(":")[0]}.json`,
        contents: data(
          JSON.stringify({
            metadata: { name: image.split(":")[0] },
            image: { image: `slipway.local/${image}` },
            ...(image.startsWith("busybox") ? { command: ["sleep", "1000"] } : {}),
            linux: { security_context: { capabilities: { add_capabilities: ["NET_BIND_SERVICE"] } } },
          }),
        ),
      })),
    ],
  },
  systemd: {
    units: [
      {
        name: "containerd.service",
        enabled: true,
        contents: `[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
[Install]
WantedBy=multi-user.target
`,
      },
    ],
  },
};

describe("an image set", () => {
  let scratch: string;
  let master: string;
  let driver: MachineDriver;
  let layers: string[];
  const sh = async (machine: string, script: string) =>
    (await driver.exec(cluster, machine, ["sh", "-ec", script])).stdout;

  beforeAll(async () => {
    const image = await ensureNodeImage(context);
    const binaries = await components(
      ...["containerd", "containerd-shim-runc-v2", "ctr", "runc", "crictl"],
      ...["cni-bridge", "cni-host-local", "cni-loopback"],
    );
    const layer = await ensureNodeLayer(binaries, context);
    layers = [layer, image.path];
    const images = await components("pause-image", "coredns-image", "busybox-image");
    master = (await ensureImageSet(images, { nodeImage: image.path, layer }, context)).path;
    scratch = await mkdtemp(join(context.paths.cache, "test-"));
    driver = createSandboxDriver({
      stateDirectory: scratch,
      seedVolume: (from, to) => cloneTree(from, to, context),
    });
    await driver.ensureNetwork(exampleNetwork(cluster, 222));
  });
  afterAll(async () => {
    for (const name of ["one", "two"]) await driver.delete(cluster, name);
    await driver.deleteNetwork(cluster);
    await rm(scratch, { recursive: true, force: true });
  });

  test("is made once, leaves nothing running, and has no identity of a containerd", async () => {
    const { stdout } = await run("find", [
      master,
      "-name",
      "uuid",
      "-o",
      "-name",
      "ingest",
      "-not",
      "-empty",
    ]);
    expect(stdout).toBe("");
    expect((await run("sh", ["-c", "ls /run/slipway-import 2>&1 || true"])).stdout).toContain("No such file");
    expect((await run("grep", ["-c", master, "/proc/mounts"], { allowFailure: true })).stdout).toBe("0");
  });

  test("two nodes run pods from clones of it and do as they like; the set stays as it was", async () => {
    const before = await treeHash(master);
    for (const [name, address] of [
      ["one", "10.79.222.11"],
      ["two", "10.79.222.12"],
    ] as const) {
      const volumes = [{ path: "/var/lib/containerd", seed: master }, { path: "/var/lib/kubelet" }];
      await driver.create(exampleSpec(cluster, name, layers, { address, config, volumes }));
      await driver.start(cluster, name);
    }
    const ready = "until ctr version >/dev/null 2>&1; do sleep 0.1; done";
    await Promise.all(["one", "two"].map((name) => sh(name, ready)));

    const listed = JSON.parse(await sh("one", "crictl images -o json")) as {
      images: { repoTags: string[]; pinned: boolean }[];
    };
    expect(listed.images.map(({ repoTags, pinned }) => [repoTags[0], pinned]).sort()).toEqual([
      ["slipway.local/busybox:1.35.0", true],
      ["slipway.local/coredns:v1.14.7", true],
      ["slipway.local/pause:3.10.1", true],
    ]);

    // One removes an image and its blobs, and writes where an image's files are.
    const ctr = "ctr --namespace k8s.io";
    await sh("one", `${ctr} images rm --sync slipway.local/coredns:v1.14.7`);
    await sh("one", "crictl rmi slipway.local/coredns:v1.14.7 || true");
    const start = (container: string) =>
      `pod=$(crictl runp /opt/pod.json); c=$(crictl create $pod /opt/${container}.json /opt/pod.json); crictl start $c >&2; echo $c`;
    const container = (await sh("one", start("busybox"))).trim();
    await sh("one", `crictl exec ${container} sh -c 'echo changed > /etc/passwd; rm /usr/bin/httpd'`);

    // The other has all of it still: coredns binds port 53 as the user nonroot.
    const coredns = (await sh("two", start("coredns"))).trim();
    const state = "crictl ps -o json";
    expect(JSON.parse(await sh("two", state)).containers[0]).toMatchObject({
      id: coredns,
      state: "CONTAINER_RUNNING",
    });
    expect(await sh("two", `crictl exec ${coredns} /coredns -version`)).toContain("CoreDNS-1.14.7");

    await Promise.all(["one", "two"].map((name) => driver.stop(cluster, name, {})));
    expect(await treeHash(master)).toBe(before);
  });

  test("a clone shares files, has its own databases, and costs little", async () => {
    const to = join(scratch, "clone");
    const before = performance.now();
    await cloneTree(master, to, context);
    const tookMs = performance.now() - before;
    const blobs = "io.containerd.content.v1.content/blobs/sha256";
    const { stdout: blob } = await run("sh", ["-c", `ls ${join(master, blobs)} | head -n 1`]);
    const inode = async (root: string, path: string) => (await lstat(join(root, path))).ino;
    expect(await inode(to, join(blobs, blob))).toBe(await inode(master, join(blobs, blob)));
    for (const database of [
      "io.containerd.metadata.v1.bolt/meta.db",
      "io.containerd.snapshotter.v1.overlayfs/metadata.db",
    ]) {
      expect(await inode(to, database)).not.toBe(await inode(master, database));
    }
    // The databases are files of its own, newer ones.
    expect(await treeHash(to, { times: false })).toBe(await treeHash(master, { times: false }));
    // A bound against mistakes (copied bytes take seconds), not a measurement: other work shares the cores.
    expect(tookMs).toBeLessThan(2000);
  });

  test("a clone on another file system is a copy", async () => {
    const to = "/dev/shm/slipway-test-clone";
    try {
      await cloneTree(master, to, context);
      expect(await treeHash(to)).toBe(await treeHash(master));
    } finally {
      await rm(to, { recursive: true, force: true });
    }
  });
});
