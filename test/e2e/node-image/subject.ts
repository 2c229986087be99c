import { homedir } from "node:os";
import { systemClock } from "../../../src/base/clock.js";
import type { Context } from "../../../src/base/context.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { run } from "../../../src/base/run.js";
import { refOf } from "../../../src/components/catalog.js";
import type { StoredComponent } from "../../../src/components/component.js";
import { ensureComponents } from "../../../src/components/ensure.js";

/** The cache that everybody shares: what is built for one test serves all. */
export const context: Context = {
  paths: resolvePaths(process.env, homedir()),
  events: discardEvents,
  signal: new AbortController().signal,
  clock: systemClock,
};

/** The real things, at the versions that clusters get. */
export async function components(...names: string[]): Promise<StoredComponent[]> {
  const found = await ensureComponents(
    names.map((name) => refOf(name)),
    {},
    context,
  );
  return names.map((name) => found.get(name)!);
}

/** Hashes all that a tree is: types, modes, owners, links, attributes, contents, and times unless told otherwise. */
export async function treeHash(path: string, { times = true } = {}): Promise<string> {
  // pax headers carry extended attributes; GNU tar leaves access times out.
  const script =
    'tar --sort=name --format=posix --numeric-owner --xattrs --xattrs-include="*" ' +
    '--pax-option=delete=atime,delete=ctime $2 -cf - -C "$1" . | sha256sum';
  const { stdout } = await run("sh", ["-c", script, "sh", path, times ? "" : "--mtime=@0"]);
  return stdout;
}
