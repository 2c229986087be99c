import type { ComponentKind, ComponentRef } from "./component.js";

/**
 * What exists, at which versions, and where it can be had. Plain data: texts may hold `{name}`, `{version}` (`v1.2.3`),
 * `{bare}` (`1.2.3`), `{major}`, `{minor}`, `{arch}` (Go's name of it), `{commit}` and `{time}` of the source.
 */
export interface CatalogEntry {
  name: string;
  kind: ComponentKind;
  /** The default first. */
  versions: readonly string[];
  /** A released file, and the published hash that it must have. */
  upstream?: ReleaseFile;
  /** The released image. */
  registry?: string;
  /** A file of a Debian package, whose version must start with ours. */
  debian?: { package: string; file: string };
  build?: GoBuild | CBuild;
}

export interface ReleaseFile {
  url: string;
  /** A file of `sha256sum`'s form, or the bare hash. */
  checksumUrl: string;
  /** The path inside, when `url` is a tar archive. */
  member?: string;
}

/** A command of a Go module. */
export interface GoBuild {
  language: "go";
  module: string;
  /** Where the module's version is not ours. */
  moduleVersion?: string;
  /** The command's path inside the module; empty: its root. */
  package: string;
  tags?: readonly string[];
  ldflags?: readonly string[];
  /** Needs a C compiler, and these libraries' headers. */
  cgo?: { libraries: readonly CLibrary[] };
  /** The command is built from a copy of its one file without these imports, given as path suffixes. */
  withoutImports?: { file: string; imports: readonly string[] };
}

/** One C file inside a Go module. */
export interface CBuild {
  language: "c";
  module: string;
  moduleVersion: string;
  file: string;
  flags: readonly string[];
}

export interface CLibrary {
  /** By pkg-config's name. */
  name: string;
  debianPackage: string;
}

/** An entry at one of its versions. */
export interface Component extends ComponentRef {
  entry: CatalogEntry;
}
