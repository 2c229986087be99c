import { resolve } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { type KernelFlavour, kernelFlavours } from "../../node-image/netboot-recipe.js";
import { specFlags } from "../../spec/flags.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { sourceFlags, sourcesOf, specOfCluster } from "../component-flags.js";

const build = defineCommand({
  name: "node-image build",
  summary: "Make what a node boots",
  description: [
    "rootfs is the root file system of a sandbox, as it stays in the cache. netboot is a kernel and an initrd for machines that",
    "boot over the network: a root file system in memory with a worker's binaries and images, of the cluster that start would",
    "make with these flags, or that -p names. The same contents give the same bytes, and are made once; by root.\n\nIts kernel arguments: ignition.config.url=URL names the machine's Ignition config; BOOTIF=MAC the interface to use, else the",
    "first that gets an address; slipway.report=URL is told of each stage; slipway.on_failure is reboot (after a minute; the",
    "default), poweroff or shell. A config that sets up disks or file systems is refused: the machine lives in memory.",
  ].join(" "),
  arguments: [
    {
      name: "DIRECTORY",
      summary: "Where kernel, initrd and netboot.json go; without it they stay in the cache",
      optional: true,
      complete: "file",
    },
  ],
  flags: {
    format: { type: "string", choices: ["rootfs", "netboot"], default: "rootfs", summary: "What to make" },
    kernel: {
      type: "string",
      choices: kernelFlavours,
      default: "cloud",
      summary: "Debian's kernel for virtual machines and clouds, or with drivers for all other hardware",
    },
    ...sourceFlags,
    cni: specFlags.cni,
    addons: specFlags.addons,
    image: specFlags.image,
  },
  examples: [
    ["node-image build --format netboot lab/assets/node", "for slipway netboot serve"],
    ["node-image build --format netboot -p demo", "for workers of the cluster demo"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [directory], flags) {
    if (flags.format === "rootfs" && directory !== undefined) {
      throw new SlipwayError(
        "USAGE",
        "a root file system stays in the cache; a directory is for --format netboot",
      );
    }
    if (process.getuid?.() !== 0) {
      throw new SlipwayError("PERMISSION_DENIED", "only root can make a node image: its files have owners", {
        hint: "run the same command with sudo",
      });
    }
    if (flags.format === "rootfs") {
      const { ensureNodeImage } = await import("../../node-image/build.js");
      const { path, id, packages } = await ensureNodeImage(cli.context);
      cli.done({ path, id, packages }, path);
      return;
    }
    const { ensureWorkerNetbootImage, exportNetbootImage } = await import("../../cluster/netboot-image.js");
    const spec = await specOfCluster(flags, cli);
    const image = await ensureWorkerNetbootImage(
      spec,
      flags.kernel as KernelFlavour,
      sourcesOf(flags),
      cli.context,
    );
    const { kernel, initrd, facts } =
      directory === undefined
        ? image
        : await exportNetbootImage(image, resolve(cli.workingDirectory, directory), cli.context);
    cli.done({ kernel, initrd, ...facts }, `kernel: ${kernel}\ninitrd: ${initrd}`);
  },
});

export const command: CommandGroup = {
  name: "node-image",
  summary: "Make what nodes boot: a root file system, or kernel and initrd",
  commands: [build],
};
