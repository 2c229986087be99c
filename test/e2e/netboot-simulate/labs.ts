import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A lab on 10.88.0.0/24 with a machine for each firmware, and kernels that are small. */
export const machines = {
  bios: { mac: "52:54:00:aa:00:01", address: "10.88.0.21" },
  "uefi-x64": { mac: "52:54:00:aa:00:02", address: "10.88.0.22" },
  "uefi-arm64": { mac: "52:54:00:aa:00:03", address: "10.88.0.23" },
  "uefi-http": { mac: "52:54:00:aa:00:04", address: "10.88.0.24" },
  ipxe: { mac: "52:54:00:aa:00:05", address: "10.88.0.25" },
} as const;

export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

/** Files of the lab. */
export function labFiles(mode: "dhcp" | "proxy"): Record<string, string> {
  const url = "http://10.88.0.1:8080";
  const lab = {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "Lab",
    networks: [
      {
        interface: "br0",
        address: "10.88.0.1",
        subnet: "10.88.0.0/24",
        mode,
        ...(mode === "dhcp" ? { range: "10.88.0.50-10.88.0.99", domain: "lab.test" } : {}),
      },
    ],
    machines: Object.entries(machines).map(([name, { mac, address }]) => ({
      name,
      mac,
      address,
      profile: "worker",
    })),
    profiles: [
      {
        id: "worker",
        kernel: "/assets/kernel",
        initrd: ["/assets/initrd"],
        args: [
          "initrd=initrd",
          "ignition.firstboot",
          "ignition.platform.id=metal",
          `ignition.config.url=${url}/ignition?mac=\${mac:hexhyp}`,
        ],
        ignition: "worker.bu",
      },
    ],
  };
  return {
    "lab.yaml": JSON.stringify(lab, undefined, 2),
    "worker.bu": [
      "variant: fcos",
      "version: 1.5.0",
      "storage:",
      "  files:",
      "    - path: /etc/hostname",
      "      contents: {inline: 'booted-{{.mac}}'}",
      "",
    ].join("\n"),
    "assets/kernel": "kernel",
    "assets/initrd": "initial ramdisk",
  };
}
