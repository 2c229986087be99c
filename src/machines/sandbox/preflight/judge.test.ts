import { expect, test } from "vitest";
import { cgroupMounts } from "../cgroups.js";
import { bridgeName } from "../names.js";
import type { PreflightFacts } from "./facts.js";
import { judge } from "./judge.js";
import { type KernelFeature, kernelFeatures, tools } from "./probe.js";

const capabilities = "SYS_ADMIN NET_ADMIN MKNOD SYS_CHROOT SETUID SETGID CHOWN DAC_OVERRIDE KILL";

const good: PreflightFacts = {
  uid: 0,
  capabilities: capabilities.split(" ").map((name) => `CAP_${name}`),
  tools: new Map(Object.keys(tools).map((name) => [name, `/usr/bin/${name}`])),
  runcVersion: "1.1.5",
  kernel: new Map(kernelFeatures.map((feature) => [feature, ""])),
  cgroupMounts: cgroupMounts("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0"),
  cgroupControllers: ["cpuset", "cpu", "io", "memory", "pids"],
  state: { path: "/var/lib/slipway", fsType: 0xef53, freeBytes: 2 ** 40 },
  availableMemoryBytes: 2 ** 34,
  ipForward: { enabled: false, writable: true },
  sysctls: new Map([["fs.inotify.max_user_instances", 1024]]),
  bridgeNetfilter: true,
  legacyFilter: false,
  links: [
    {
      ifindex: 2,
      ifname: "eth0",
      flags: [],
      addr_info: [{ family: "inet", local: "192.168.1.7", prefixlen: 24 }],
    },
  ],
  routes: [{ dst: "default", dev: "eth0" }],
  busyPorts: [],
  missingMounts: [],
  clusters: ["demo"],
};

const port = { hostAddress: "127.0.0.1", hostPort: 6443, nodePort: 6443, protocol: "tcp" as const };
const network = {
  cluster: "demo",
  nodeSubnet: "10.77.0.0/24",
  gateway: "10.77.0.1",
  podSubnet: "10.244.0.0/16",
};
const request = { network, ports: [port] };
const v1 = (...controllers: string[]) =>
  cgroupMounts(controllers.map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,${name} 0 0`).join("\n"));

test("a good host has nothing to complain of", () => {
  expect(judge(good, request).filter(({ status }) => status !== "ok")).toEqual([]);
});

test.each<[string, string, Partial<PreflightFacts>, RegExp, RegExp]>([
  ["privileges", "failed", { uid: 1000, capabilities: [] }, /user 1000/, /sudo/],
  [
    "privileges",
    "failed",
    { capabilities: good.capabilities.slice(1) },
    /root without CAP_SYS_ADMIN/,
    /--privileged/,
  ],
  [
    "tools",
    "failed",
    { tools: new Map([...good.tools].slice(2)) },
    /runc, ip/,
    /apt-get install runc iproute2$/,
  ],
  ["bridge", "failed", { kernel: without("bridge") }, /not supported/, /modprobe bridge/],
  ["overlayfs", "failed", { kernel: without("overlayfs") }, /not supported/, /modprobe overlay/],
  ["vxlan", "warning", { kernel: without("vxlan") }, /not supported/, /--cni=bridge/],
  ["kernel", "failed", { kernel: undefined }, /could not be tried/, /root/],
  ["cgroup", "failed", { cgroupMounts: [] }, /no hierarchy/, /mount/],
  ["cgroup", "failed", { cgroupControllers: ["cpu", "pids"] }, /v2, without memory/, /cgroup_enable=memory/],
  [
    "cgroup",
    "failed",
    { cgroupMounts: v1("memory", "cpu", "pids", "devices") },
    /v1, without freezer/,
    /mount/,
  ],
  [
    "cgroup",
    "failed",
    { cgroupMounts: cgroupMounts("cgroup2 /sys/fs/cgroup cgroup2 ro 0 0") },
    /read-only/,
    /privileged/,
  ],
  [
    "cgroup-systemd",
    "failed",
    { cgroupMounts: v1("memory", "cpu", "pids", "devices", "freezer") },
    /name=systemd/,
    /none,name=systemd/,
  ],
  [
    "state-directory",
    "failed",
    { state: { ...good.state, fsType: 0x794c7630 } },
    /on overlayfs/,
    /SLIPWAY_HOME/,
  ],
  ["disk", "failed", { state: { ...good.state, freeBytes: 2 ** 30 } }, /1\.0 GiB/, /free at least/],
  ["disk", "warning", { state: { ...good.state, freeBytes: 2 ** 32 } }, /4\.0 GiB/, /free at least/],
  ["memory", "failed", { availableMemoryBytes: 2 ** 29 }, /0\.5 GiB/, /--memory/],
  [
    "fs.inotify.max_user_instances",
    "warning",
    { sysctls: new Map([["fs.inotify.max_user_instances", 128]]) },
    /128/,
    /sysctl -w fs.inotify.max_user_instances=512/,
  ],
  ["ip-forward", "failed", { ipForward: { enabled: false, writable: false } }, /cannot be written/, /sysctl/],
  [
    "reverse-path-filter",
    "warning",
    { routes: [], sysctls: new Map([["net.ipv4.conf.all.rp_filter", 2]]) },
    /no default route/,
    /rp_filter=0/,
  ],
  ["br_netfilter", "warning", { bridgeNetfilter: false }, /not loaded/, /modprobe br_netfilter/],
  ["legacy-iptables", "warning", { legacyFilter: true }, /old iptables/, /iptables-legacy/],
  [
    "node-subnet",
    "failed",
    { routes: [{ dst: "10.0.0.0/8", dev: "tun0" }] },
    /10\.77\.0\.0\/24 overlaps 10\.0\.0\.0\/8/,
    /another range/,
  ],
  ["pod-subnet", "warning", { routes: [{ dst: "10.244.7.0/24", dev: "tun0" }] }, /overlaps/, /--pod-cidr/],
  [
    "port-6443",
    "failed",
    { busyPorts: [{ port, holder: "nginx (process 8)" }] },
    /taken by nginx \(process 8\)/,
    /--ports/,
  ],
  ["mount", "failed", { missingMounts: ["/nowhere"] }, /\/nowhere/, /mkdir -p/],
  [
    "leftover",
    "warning",
    {
      links: [
        { ifindex: 9, ifname: bridgeName("gone"), ifalias: "slipway gone a b c", flags: [], addr_info: [] },
      ],
    },
    /cluster gone/,
    /ip link delete/,
  ],
])("%s is %s", (name, status, changes, found, fix) => {
  const complaints = judge({ ...good, ...changes }, request).filter((check) => check.status !== "ok");
  const mine = complaints.find((check) => check.name === name);
  expect(mine).toMatchObject({ status });
  expect(mine?.found).toMatch(found);
  expect(mine?.fix).toMatch(fix);
});

function without(feature: KernelFeature): Map<KernelFeature, string> {
  return new Map([...good.kernel!, [feature, "Error: Operation not supported"]]);
}
