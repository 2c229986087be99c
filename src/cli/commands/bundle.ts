import { resolve } from "node:path";
import { specFlags } from "../../spec/flags.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { componentsOfCluster, sourceFlags, sourcesOf } from "../component-flags.js";
import { bytes } from "../output/figures.js";

const create = defineCommand({
  name: "bundle create",
  summary: "Put all that a cluster needs into one file",
  description:
    "Binaries, images and the node image, of the cluster that start would make with these flags, or that -p names. Made as root.",
  arguments: [{ name: "FILE", summary: "The bundle to write", complete: "file" }],
  flags: { ...sourceFlags, cni: specFlags.cni, addons: specFlags.addons, image: specFlags.image },
  examples: [
    ["bundle create slipway.bundle", "what the default cluster needs"],
    ["bundle create --addons metrics-server --image agnhost slipway.bundle", "and more"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [file], flags) {
    const [{ ensureComponents }, { createBundle }, { packNodeImage }] = await Promise.all([
      import("../../components/ensure.js"),
      import("../../components/bundle.js"),
      import("../../node-image/build.js"),
    ]);
    const path = resolve(cli.workingDirectory, file!);
    const refs = await componentsOfCluster(flags, cli);
    const [nodeImage] = await Promise.all([
      packNodeImage(cli.context),
      ensureComponents(refs, sourcesOf(flags), cli.context),
    ]);
    const { components, sizeBytes } = await createBundle([...refs, nodeImage], path, cli.context);
    cli.done(
      { path, components, sizeBytes },
      `${file}: ${components.length} components, ${bytes(sizeBytes)}`,
    );
  },
});

const load = defineCommand({
  name: "bundle load",
  summary: "Take a bundle's components into the store",
  description: "Every file is checked before the first one gets in. Then slipway start --offline works.",
  arguments: [{ name: "FILE", summary: "A bundle by bundle create", complete: "file" }],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [file]) {
    const [{ loadBundle }, { ensureNodeImage, nodeImageRef }] = await Promise.all([
      import("../../components/bundle.js"),
      import("../../node-image/build.js"),
    ]);
    const components = await loadBundle(resolve(cli.workingDirectory, file!), cli.context);
    const ours = nodeImageRef();
    const images = components.filter(({ name }) => name === ours.name);
    if (images.some(({ version }) => version === ours.version)) {
      // Owners are root's to give: for anybody else, start does it.
      if (process.getuid?.() === 0) await ensureNodeImage(cli.context, { offline: true });
    } else if (images.length > 0) {
      const message = "the bundle's node image is of another version of slipway; a start does not take it";
      cli.context.events({ type: "warning", message, hint: "make the bundle with this version of slipway" });
    }
    cli.done({ components }, `${components.length} components are in the store`);
  },
});

export const command: CommandGroup = {
  name: "bundle",
  summary: "Carry components to machines without a network",
  commands: [create, load],
};
