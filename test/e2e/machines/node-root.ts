import { homedir } from "node:os";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { ensureNodeImage } from "../../../src/node-image/build.js";

/** The node image, from the cache that all tests share. */
export async function nodeRoot(): Promise<string> {
  const { path } = await ensureNodeImage({
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  });
  return path;
}
