/**
 * An Ignition config, spec 3.4 (coreos.github.io/ignition/configuration-v3_4): what a NodeConfig is. Field names are
 * the spec's. Only the parts that slipway writes or applies are spelled out; `validate.ts` checks the whole spec.
 */
export interface IgnitionConfig {
  ignition: {
    version: string;
    config?: { merge?: IgnitionResource[]; replace?: IgnitionResource };
    security?: { tls?: { certificateAuthorities?: IgnitionResource[] } };
    timeouts?: { httpResponseHeaders?: number; httpTotal?: number };
    proxy?: { httpProxy?: string; httpsProxy?: string; noProxy?: string[] };
  };
  passwd?: { users?: IgnitionUser[]; groups?: IgnitionGroup[] };
  storage?: {
    files?: IgnitionFile[];
    directories?: IgnitionDirectory[];
    links?: IgnitionLink[];
    disks?: unknown[];
    raid?: unknown[];
    filesystems?: unknown[];
    luks?: unknown[];
  };
  systemd?: { units?: IgnitionUnit[] };
  kernelArguments?: { shouldExist?: string[]; shouldNotExist?: string[] };
}

export interface IgnitionResource {
  /** `data:` (RFC 2397), `http:`, `https:`, `tftp:`, `s3:`, `gs:`; in a plan also `slipway:` (a secret, see plan/). */
  source?: string;
  compression?: "gzip" | "";
  httpHeaders?: { name: string; value?: string }[];
  verification?: { hash?: string };
}

interface IgnitionNode {
  path: string;
  overwrite?: boolean;
  user?: { id?: number; name?: string };
  group?: { id?: number; name?: string };
}

export interface IgnitionFile extends IgnitionNode {
  /** Permission bits as a decimal number. @default 0o644 */
  mode?: number;
  contents?: IgnitionResource;
  append?: IgnitionResource[];
}

export interface IgnitionDirectory extends IgnitionNode {
  /** @default 0o755 */
  mode?: number;
}

export interface IgnitionLink extends IgnitionNode {
  target: string;
  hard?: boolean;
}

export interface IgnitionUnit {
  name: string;
  enabled?: boolean;
  mask?: boolean;
  contents?: string;
  dropins?: { name: string; contents?: string }[];
}

export interface IgnitionUser {
  name: string;
  passwordHash?: string;
  sshAuthorizedKeys?: string[];
  uid?: number;
  gecos?: string;
  homeDir?: string;
  noCreateHome?: boolean;
  primaryGroup?: string;
  groups?: string[];
  noUserGroup?: boolean;
  noLogInit?: boolean;
  shell?: string;
  shouldExist?: boolean;
  system?: boolean;
}

export interface IgnitionGroup {
  name: string;
  gid?: number;
  passwordHash?: string;
  shouldExist?: boolean;
  system?: boolean;
}
