import { copyFile, link, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../src/base/run.js";
import type { NetbootFacts } from "../../../src/node-image/netboot.js";
import { slipwayProgram } from "../harness.js";
import { Lab } from "../netboot-lab.js";
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

/** The kernel's arguments with which a node image takes its config, and reports to who serves it. */
export const nodeArguments = (config: string, report: string): string[] => [
  "console=ttyS0",
  "ignition.firstboot",
  "ignition.platform.id=metal",
  `ignition.config.url=${config}`,
  `slipway.report=${report}`,
  "slipway.on_failure=poweroff",
];

/** A boot profile with the node image, which is in the lab's assets. @param ignition as in lab.yaml */
export const nodeProfile = ({ url }: LabNetwork, ignition: string) => ({
  id: "worker",
  kernel: "/assets/kernel",
  initrd: ["/assets/initrd"],
  args: ["initrd=initrd", ...nodeArguments(`${url}/ignition?mac=\${mac:hexhyp}`, `${url}/report`)],
  ignition,
});

/** A lab with one machine, which boots the node image; its Ignition config is a Butane template. */
export async function greetingLab(
  network: LabNetwork,
  image: NetbootImage,
  { mode, mac, address }: { mode: "dhcp" | "proxy"; mac: string; address: string },
): Promise<Lab> {
  const lab = await Lab.create({
    networks: [network.inLab(mode)],
    machines: [{ name: "node1", mac, ...(mode === "dhcp" ? { address } : {}), profile: "worker" }],
    profiles: [nodeProfile(network, "worker.bu")],
  });
  for (const name of ["kernel", "initrd"] as const) {
    const path = join(lab.assets, name);
    await link(image[name], path).catch(() => copyFile(image[name], path));
  }
  await writeFile(
    join(lab.directory, "worker.bu"),
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
  return lab;
}
