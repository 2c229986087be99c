/*
 * A process of its own that makes one thing in a cache: maker.js CACHE debian-tree | image-set NODE_IMAGE LAYER IMAGES_JSON
 * Prints its path.
 */
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import type { StoredComponent } from "../../../src/components/component.js";
import { ensureDebianTree } from "../../../src/components/oci/tree.js";
import { ensureImageSet } from "../../../src/node-image/image-set.js";

const [cache = "", what, nodeImage = "", layer = "", images = "[]"] = process.argv.slice(2);
const context = {
  paths: { cache, config: cache, state: cache },
  clock: systemClock,
  signal: new AbortController().signal,
  events: discardEvents,
};
const path =
  what === "debian-tree"
    ? await ensureDebianTree(["busybox-static"], context)
    : (await ensureImageSet(JSON.parse(images) as StoredComponent[], { nodeImage, layer }, context)).path;
process.stdout.write(path);
