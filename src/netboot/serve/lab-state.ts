import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import type { Paths } from "../../base/paths.js";

/** Where a lab's server keeps leases, machines and timelines: by the lab's path, so that each lab has its own. */
export function labStateDirectory(paths: Paths, lab: string): string {
  const path = resolve(lab);
  const name = basename(path) === "lab.yaml" ? basename(dirname(path)) : basename(path);
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return join(paths.state, "netboot", `${name.replaceAll(/[^\w.-]/g, "_")}-${digest}`);
}
