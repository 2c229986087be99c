import { SlipwayError } from "../../base/errors.js";
import type { FileContent } from "./tar.js";

/** One member of a layer. Paths are relative to the root, without a leading slash or `.` and `..`. */
export type LayerEntry = { path: string; mode: number } & (
  | { type: "directory" }
  | { type: "file"; content: FileContent; sizeBytes: number; capability?: FileCapability }
  | { type: "symlink"; target: string }
);

/** A capability that the kernel gives to whoever runs the file. */
export type FileCapability = "net_bind_service";

export const directory = (path: string, mode = 0o755): LayerEntry => ({ type: "directory", path, mode });
export const symlink = (path: string, target: string): LayerEntry => ({
  type: "symlink",
  path,
  target,
  mode: 0o777,
});
export const textFile = (path: string, text: string, mode = 0o644): LayerEntry => ({
  type: "file",
  path,
  mode,
  content: { text },
  sizeBytes: Buffer.byteLength(text),
});

/**
 * Puts entries in the one order that a layer has: by path, the last entry of a path counts, and the directories that
 * are missing on the way are added.
 *
 * @throws {SlipwayError} `INTERNAL` when a path leads through a file or a link.
 */
export function arrange(entries: Iterable<LayerEntry>): LayerEntry[] {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) byPath.set(checkedPath(entry.path), entry);
  for (const path of [...byPath.keys()]) {
    for (let parent = parentOf(path); parent !== undefined; parent = parentOf(parent)) {
      const above = byPath.get(parent);
      if (above === undefined) byPath.set(parent, directory(parent));
      else if (above.type !== "directory") {
        throw new SlipwayError(
          "INTERNAL",
          `${path} of an image lies under ${parent}, which is a ${above.type}`,
        );
      }
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parentOf(path: string): string | undefined {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? undefined : path.slice(0, slash);
}

function checkedPath(path: string): string {
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new SlipwayError("INTERNAL", `"${path}" is no path for an image's layer`);
  }
  return path;
}
