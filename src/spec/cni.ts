import { isAbsolute } from "node:path";

import type { NetworkSpec } from "./cluster-spec.js";
import { nearText, shown, valueInvalid } from "./problems.js";

export const builtInCnis = ["bridge", "flannel", "none"] as const;

/**
 * Reads a CNI's name, or the path of a manifest: something with a `/` or that ends in `.yaml`, `.yml` or `.json`. minikube's
 * `auto` and `false` are `bridge` and `none`.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`
 */
export function parseCni(text: string): NetworkSpec["cni"] {
  if (text === "auto") return "bridge";
  if (text === "false") return "none";
  const builtIn = builtInCnis.find((name) => name === text);
  if (builtIn) return builtIn;
  if (/^\w+:\/\//.test(text)) {
    throw valueInvalid(`${shown(text)} is a URL; download the manifest and give the file's path`);
  }
  if (isManifestPath(text)) return { manifest: text };
  throw valueInvalid(
    `there is no CNI ${shown(text)}${nearText(text, builtInCnis) || `; there are ${builtInCnis.join(", ")}, and manifests by their path`}`,
  );
}

const isManifestPath = (text: string): boolean => text.includes("/") || /\.(ya?ml|json)$/.test(text);

/** Whether it is the path of a manifest that depends on the directory it is read in. */
export const isRelativeManifest = (text: string): boolean =>
  isManifestPath(text) && !/^\w+:\/\//.test(text) && !isAbsolute(text);
