import { nearText, valueInvalid } from "./problems.js";

/**
 * Images that a cluster can be given from the start beside those of its add-ons: image components of the catalog. flannel's
 * is for those who bring a manifest of their own for it.
 */
export const preloadableImages: readonly string[] = ["agnhost", "busybox", "flannel"];

/** @throws {SlipwayError} `CONFIG_INVALID` for a name that is not one of slipway's own images. */
export function checkPreloadedImage(name: string): void {
  if (preloadableImages.includes(name)) return;
  const near = nearText(name, preloadableImages) || `; there are ${preloadableImages.join(", ")}`;
  throw valueInvalid(
    `"${name}" is not one of slipway's own images${near} (others: slipway image load, once it runs)`,
  );
}
