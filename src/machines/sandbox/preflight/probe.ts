import { run } from "../../../base/run.js";

/** Programs that the driver runs, with the Debian package of each. */
export const tools: Record<string, string> = {
  runc: "runc",
  ip: "iproute2",
  nft: "nftables",
  mount: "mount",
  umount: "mount",
  unshare: "util-linux",
  nsenter: "util-linux",
  setpriv: "util-linux",
  flock: "util-linux",
};

/** What the kernel must be able to do, each tried for real where nobody sees it. */
export const kernelFeatures = [
  "overlayfs",
  "bridge",
  "veth",
  "nf_tables",
  "masquerade",
  "fib",
  "policy-routing",
  "vxlan",
] as const;

export type KernelFeature = (typeof kernelFeatures)[number];

/** Of each tool that the PATH leads to: where it is. @param runc as the driver was given it */
export async function findTools(runc: string): Promise<Map<string, string>> {
  const names = Object.keys(tools);
  const script = 'for tool; do printf "%s\\n" "$(command -v "$tool")"; done';
  const { stdout } = await run("sh", [
    "-c",
    script,
    "sh",
    ...names.map((name) => (name === "runc" ? runc : name)),
  ]);
  const found = stdout.split("\n");
  return new Map(names.flatMap((name, i) => (found[i] ? [[name, found[i]] as const] : [])));
}

/** A network and a mount namespace of its own, gone with the process: the host keeps nothing of it. */
const script = `
try() { name=$1; shift; if out=$("$@" 2>&1); then echo "ok $name"; else echo "no $name $out" | head -n 1; fi; }
overlay() { mount -t tmpfs slipway /tmp && cd /tmp && mkdir a b c d && mount -t overlay -o lowerdir=a,upperdir=b,workdir=c overlay d; }
table() { printf 'table ip slipway { chain %s { type nat hook %s priority 100; %s; }; }' "$1" "$1" "$2" | nft -f -; }
try overlayfs overlay
try bridge ip link add slipway0 type bridge
try veth ip link add slipway1 type veth peer name slipway2
try nf_tables nft add table ip slipway3
try masquerade table postrouting 'ip saddr 10.0.0.0/8 masquerade'
try fib table prerouting 'fib daddr type local tcp dport 1 dnat to 10.0.0.1:1'
try policy-routing ip rule add iif lo lookup 7000000
try vxlan ip link add slipway4 type vxlan id 1 dstport 8472 dev lo
`;

/** What each feature answered: "" when it works, else why not. Empty when namespaces cannot be made at all. */
export async function probeKernel(): Promise<Map<KernelFeature, string>> {
  const { stdout } = await run(
    "unshare",
    ["--net", "--mount", "--propagation", "private", "sh", "-c", script],
    {
      allowFailure: true,
      timeoutMs: 1500,
    },
  );
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const [, verdict, name, why = ""] = /^(ok|no) (\S+) ?(.*)$/.exec(line) ?? [];
      const feature = kernelFeatures.find((known) => known === name);
      return feature === undefined ? [] : [[feature, verdict === "ok" ? "" : why || "refused"] as const];
    }),
  );
}
