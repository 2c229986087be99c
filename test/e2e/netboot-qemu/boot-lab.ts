import { copyFile, link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../src/base/run.js";
import type { NetbootFacts } from "../../../src/node-image/netboot.js";
import { slipwayProgram } from "../harness.js";
import type { LabNetwork } from "./lab-network.js";

export type NetbootImage = NetbootFacts & { kernel: string; initrd: string };

/** The node image for network boot, made if it is not there. */
export async function netbootImage(): Promise<NetbootImage> {
  const { stdout } = await run(process.execPath, [
    slipwayProgram,
    ...["node-image", "build", "--format", "netboot", "--output", "json"],
  ]);
  return JSON.parse(stdout.split("\n").at(-1)!).data;
}

/** A lab on a network of test machines: one boot profile with the node image for all, its Ignition a Butane template. */
export async function writeLab(
  directory: string,
  network: LabNetwork,
  image: NetbootImage,
  { mode, mac, address }: { mode: "dhcp" | "proxy"; mac: string; address: string },
): Promise<void> {
  await mkdir(join(directory, "assets"), { recursive: true });
  for (const name of ["kernel", "initrd"] as const) {
    const path = join(directory, "assets", name);
    await link(image[name], path).catch(() => copyFile(image[name], path));
  }
  const url = `http://${network.address}:8080`;
  const lab = {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "Lab",
    networks: [
      {
        interface: network.bridge,
        address: network.address,
        subnet: network.subnet,
        mode,
        ...(mode === "dhcp" ? { range: "10.88.0.50-10.88.0.99" } : {}),
      },
    ],
    machines: [{ name: "node1", mac, ...(mode === "dhcp" ? { address } : {}), profile: "worker" }],
    profiles: [
      {
        id: "worker",
        kernel: "/assets/kernel",
        initrd: ["/assets/initrd"],
        args: [
          "initrd=initrd",
          "console=ttyS0",
          "ignition.firstboot",
          "ignition.platform.id=metal",
          `ignition.config.url=${url}/ignition?mac=\${mac:hexhyp}`,
          `slipway.report=${url}/report`,
          "slipway.on_failure=poweroff",
        ],
        ignition: "worker.bu",
      },
    ],
  };
  await writeFile(join(directory, "lab.yaml"), JSON.stringify(lab, undefined, 2));
  await writeFile(
    join(directory, "worker.bu"),
    [
      "variant: fcos",
      "version: 1.5.0",
      "passwd: {users: [{name: core}]}",
      "storage:",
      "  files:",
      "    - path: /etc/hostname",
      "      contents: {inline: 'greeted-{{.mac}}'}",
      "systemd:",
      "  units:",
      "    - name: greet.service",
      "      enabled: true",
      "      contents: |",
      "        [Service]",
      "        Type=oneshot",
      "        StandardOutput=tty",
      "        TTYPath=/dev/console",
      "        ExecStart=/bin/cat /etc/hostname",
      "        [Install]",
      "        WantedBy=multi-user.target",
      "",
    ].join("\n"),
  );
}
