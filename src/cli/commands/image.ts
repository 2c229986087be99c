import { resolve } from "node:path";
import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const load = defineCommand({
  name: "image load",
  summary: "Put image archives into every node",
  arguments: [
    {
      name: "ARCHIVE",
      summary: "A tar file by `docker save`, or of an OCI image layout",
      variadic: true,
      complete: "file",
    },
  ],
  examples: [["image load app.tar", "after: docker save app -o app.tar"]],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, archives) {
    const { loadImages } = await import("../../cluster/images.js");
    const paths = archives.map((archive) => resolve(cli.workingDirectory, archive));
    const references = await loadImages(await cli.profile(), paths, cli.context);
    cli.done({ loaded: references }, `loaded ${references.join(", ")}`);
  },
});

const list = defineCommand({
  name: "image list",
  aliases: ["ls"],
  summary: "List the images that the nodes have",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { listImages } = await import("../../cluster/images.js");
    const images = await listImages(await cli.profile(), cli.context);
    await cli.show(images, () =>
      table(
        ["image", "nodes"],
        images.map(({ reference, nodes }) => [reference, nodes.join(", ")]),
      ),
    );
  },
});

const remove = defineCommand({
  name: "image rm",
  aliases: ["remove", "unload"],
  summary: "Remove images from every node",
  arguments: [{ name: "IMAGE", summary: "Its reference, as image list shows it", variadic: true }],
  async run(cli, references) {
    const { removeImages } = await import("../../cluster/images.js");
    await removeImages(await cli.profile(), references, cli.context);
    cli.done({ removed: references }, `removed ${references.join(", ")}`);
  },
});

export const command: CommandGroup = {
  name: "image",
  summary: "Load, list or remove images in a cluster",
  commands: [load, list, remove],
};
