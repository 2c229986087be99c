/** Where components may come from. */
export interface EnsureOptions {
  /** Use no network and build nothing: what is missing is an error. */
  offline?: boolean;
  /** Where files are laid out as on dl.k8s.io/release: a URL or a directory. */
  binaryMirror?: string;
  /** A registry and path that has the images, e.g. `registry.example.com/k8s`. */
  imageRepository?: string;
  /** A bundle file to take from first. */
  bundle?: string;
}
