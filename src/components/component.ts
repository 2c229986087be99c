/** Something that a cluster needs at a version. */
export interface ComponentRef {
  /** As in the catalog: `kube-apiserver`, `containerd`, `coredns`, `agnhost-image` … */
  name: string;
  /** The project's own version, with the `v` where it has one: `v1.36.3`, `v2.4.2`. */
  version: string;
}

/** binary: one executable file. archive: a tar file of a tree. image: an OCI image archive (image-layout in a tar). */
export type ComponentKind = "binary" | "archive" | "image";

/**
 * Where a stored file came from. What we built never passes for the upstream file. `recipe`: made here out of other
 * components.
 */
export interface Provenance {
  source: "bundle" | "mirror" | "upstream" | "registry" | "debian" | "go-module" | "recipe";
  /** For people: a URL, `module@version`, a package and its version. Never holds credentials. */
  origin: string;
}

/** A component in the store: verified, complete, read-only. */
export interface StoredComponent extends ComponentRef {
  kind: ComponentKind;
  /** Absolute path of the file. */
  path: string;
  /** Of the file, lower-case hex. */
  sha256: string;
  sizeBytes: number;
  provenance: Provenance;
  /** For images: the reference that containerd knows it by, e.g. `slipway.local/coredns:v1.14.7`. */
  image?: string;
  /** For what was made or built here: the hash of the recipe or of the build's description, by which a change is seen. */
  recipe?: string;
}
