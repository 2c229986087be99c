import { createHash } from "node:crypto";
import type { Assets } from "./assets.js";

/**
 * What was rendered, to tell a user's edits from it: path → SHA-256 of the last time; while files are being written, of this
 * time too.
 */
export type RenderRecord = Record<string, string[]>;

export type AssetFate =
  /** Not there, or as it was rendered last: is as rendered now. */
  | "new"
  | "updated"
  | "unchanged"
  /** Somebody changed or removed it: it stays so. */
  | "edited"
  | "removed";

export interface MergedAsset {
  path: string;
  fate: AssetFate;
  rendered: string;
  /** On disk. */
  found: string | undefined;
  /** Whether what is rendered now differs from what the user changed. */
  differs: boolean;
}

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What becomes of each file when assets are rendered over those of an earlier time. Pure. */
export function mergeAssets(
  rendered: Assets,
  found: ReadonlyMap<string, string>,
  last: RenderRecord,
  { overwrite }: { overwrite: boolean },
): MergedAsset[] {
  return [...rendered].sort().map(([path, text]): MergedAsset => {
    const onDisk = found.get(path);
    const before = last[path];
    const asset = (fate: AssetFate): MergedAsset => ({
      path,
      fate,
      rendered: text,
      found: onDisk,
      differs: onDisk !== text,
    });
    if (onDisk === text) return asset("unchanged");
    if (onDisk === undefined) return asset(before === undefined || overwrite ? "new" : "removed");
    if (overwrite || before?.includes(digest(onDisk))) return asset("updated");
    return asset("edited");
  });
}
