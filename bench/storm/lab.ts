import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { macOf } from "../macs.js";

export const serverAddress = "10.213.0.1";
/** The client's own; its machines' are those of the range. */
export const clientAddress = "10.213.0.2";
/** Holds the range and nothing else. */
export const machinesSubnet = "10.213.64.0/18";
const range = "10.213.64.1-10.213.127.254";

/** A lab of machines that are described, without addresses of their own, and what they boot. */
export async function writeStormLab(directory: string, machines: number): Promise<void> {
  for (const folder of ["assets", "ignition"]) await mkdir(join(directory, folder), { recursive: true });
  await writeFile(join(directory, "assets/vmlinuz"), randomBytes(64 * 1024));
  await writeFile(join(directory, "assets/initrd"), randomBytes(256 * 1024));
  await writeFile(join(directory, "ignition/worker.yaml"), butaneTemplate);
  await writeFile(join(directory, "lab.yaml"), `${head}${machineLines(machines, () => "")}`);
}

/** The machines of a lab.yaml. @param more further lines of each */
export const machineLines = (count: number, more: (n: number) => string): string =>
  `machines:\n${Array.from(
    { length: count },
    (_, n) =>
      `  - name: node-${n}\n    mac: ${macOf(n)}\n    profile: worker\n    metadata:\n      rack: r${n % 500}\n${more(n)}`,
  ).join("")}`;

const head = `apiVersion: slipway.dev/v1alpha1
kind: Lab
network:
  interface: eth0
  address: ${serverAddress}
  subnet: 10.213.0.0/16
  mode: dhcp
  range: ${range}
profiles:
  - id: worker
    kernel: /assets/vmlinuz
    initrd: [/assets/initrd]
    args:
      - initrd=initrd
      - ignition.firstboot
      - ignition.config.url=http://${serverAddress}:8080/ignition?mac=\${mac:hexhyp}
    ignition: ignition/worker.yaml
`;

const butaneTemplate = `variant: fcos
version: 1.5.0
systemd:
  units:
    - name: kubelet.service
      enabled: true
      contents: |
        [Service]
        ExecStart=/usr/local/bin/kubelet --node-labels=rack={{.rack}}
        [Install]
        WantedBy=multi-user.target
storage:
  files:
    - path: /etc/rack
      mode: 0644
      contents:
        inline: {{.rack}}
`;
