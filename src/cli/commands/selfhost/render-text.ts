import { lineChanges } from "../../../netboot/inventory/diff/change.js";
import type { MergedAsset } from "../../../selfhost/render/merge.js";

/** Keys and tokens are in these; how they differ is not for a terminal. */
const isSecret = (path: string): boolean =>
  /^(auth|tls)\//.test(path) || /-secret\.yaml$|bootstrap-token/.test(path);

/** What the user keeps, and how what would have been written differs from it. */
export function keptText({ path, fate, found, rendered }: MergedAsset): string {
  if (fate === "removed") return `  removed  ${path}`;
  if (isSecret(path)) return `  edited   ${path}`;
  const lines = lineChanges(found, rendered).map((line) => `    ${line}`);
  return [`  edited   ${path}; rendered now it would be:`, ...lines].join("\n");
}
