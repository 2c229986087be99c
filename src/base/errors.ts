/** Whose fault an error is: the input's, the machine's or network's, or our own. */
export type ErrorClass = "user" | "system" | "bug";

interface ErrorKind {
  /** The process's exit code. Tens are the layer, units the sort, as minikube has them (`reason/exitcodes.go`). */
  exitCode: number;
  class: ErrorClass;
  /** One line for the reference. */
  summary: string;
}

const kind = (exitCode: number, errorClass: ErrorClass, summary: string): ErrorKind => ({
  exitCode,
  class: errorClass,
  summary,
});

/**
 * Every error code there is.
 *
 * Exit codes: layer 10 program, 20 resource, 30 host, 40 network, 50 driver, 70 local network, 80 node, 90 runtime,
 * 100 control plane, 110 service; sort +1 conflict, +2 time-out, +3 not running, +4 usage, +5 not found,
 * +7 permission, +8 configuration, +9 unavailable.
 */
export const errorCodes = {
  // program: flags, files, profiles
  INTERNAL: kind(10, "bug", "A bug in slipway; please report it with the log"),
  USAGE: kind(14, "user", "A command, flag or argument is not right"),
  CONFIG_INVALID: kind(18, "user", "A configuration file or value is not valid"),
  PROFILE_EXISTS: kind(11, "user", "The profile exists with other settings"),
  PROFILE_BUSY: kind(11, "user", "Another slipway process holds the profile's lock"),
  PROFILE_NOT_FOUND: kind(15, "user", "There is no such profile"),
  NODE_NOT_FOUND: kind(15, "user", "There is no such node in the profile"),
  STATE_CORRUPT: kind(18, "system", "A state file is torn or was edited into something unreadable"),
  STATE_WRITE_FAILED: kind(19, "system", "A state file could not be written; the old one is unchanged"),
  INTERRUPTED: kind(130, "user", "Interrupted by a signal"),
  // resources of the host
  DISK_FULL: kind(26, "system", "The disk is full"),
  MEMORY_SHORT: kind(23, "system", "The host has too little memory for what was asked"),
  // host: tools, permissions
  PREFLIGHT_FAILED: kind(39, "system", "The host lacks something that the driver needs"),
  CLOCK_WRONG: kind(
    38,
    "system",
    "The machine's clock cannot be right, or is behind the cluster's certificates",
  ),
  PROGRAM_NOT_FOUND: kind(35, "system", "A program that slipway runs is not installed"),
  PROGRAM_FAILED: kind(30, "system", "A program that slipway ran ended with an error"),
  PERMISSION_DENIED: kind(37, "system", "slipway may not do this here; often: run it as root"),
  TIMED_OUT: kind(32, "system", "Something took longer than its bound"),
  // network: sources of components
  COMPONENT_UNKNOWN: kind(45, "user", "No component of that name or version is in the catalog"),
  COMPONENT_UNAVAILABLE: kind(49, "system", "No source could give a component"),
  COMPONENT_CORRUPT: kind(48, "system", "A component's file does not have the hash it should"),
  OFFLINE_MISSING: kind(45, "user", "Offline, and something that is needed is not in the store"),
  BUNDLE_INVALID: kind(48, "user", "A bundle is damaged, unsafe or not a bundle"),
  IMAGE_INVALID: kind(48, "user", "An image archive is damaged or not an OCI or Docker archive"),
  // driver and machines
  MACHINE_EXISTS: kind(51, "user", "A machine of that name exists"),
  MACHINE_NOT_FOUND: kind(55, "user", "There is no such machine"),
  MACHINE_NOT_RUNNING: kind(53, "user", "The machine is not running"),
  MACHINE_FAILED: kind(50, "system", "A machine could not be made, started, stopped or deleted"),
  // local network
  NETWORK_CONFLICT: kind(71, "system", "An address range overlaps one that the host already uses"),
  PORT_IN_USE: kind(71, "user", "A port on the host is taken"),
  ADDRESS_INVALID: kind(74, "user", "An address, CIDR, MAC or port is not valid"),
  // node
  NODE_NOT_READY: kind(82, "system", "A node did not become Ready in time"),
  NODE_CONFIG_INVALID: kind(88, "user", "An Ignition config is not valid"),
  NODE_CONFIG_FAILED: kind(80, "system", "An Ignition config could not be applied to a root"),
  NODE_IMAGE_FAILED: kind(80, "system", "The node image could not be built"),
  // control plane
  API_NOT_READY: kind(102, "system", "The API server did not become ready in time"),
  CONTROL_PLANE_NOT_READY: kind(
    102,
    "system",
    "A self-hosted part of the control plane did not become ready in time",
  ),
  RECOVERY_IMPOSSIBLE: kind(105, "system", "Nothing is left to recover a control plane from"),
  UPGRADE_FAILED: kind(
    100,
    "system",
    "An upgrade of the control plane failed, and was taken back where possible",
  ),
  API_UNREACHABLE: kind(109, "system", "The API server does not answer"),
  API_REFUSED: kind(100, "system", "The API server refused a request"),
  QUORUM_LOST: kind(103, "system", "etcd has lost the majority of its members, or would lose it"),
  CERTIFICATE_INVALID: kind(108, "system", "A certificate or key is missing, unreadable or expired"),
  KUBECONFIG_INVALID: kind(18, "user", "A kubeconfig file is not valid; it was left unchanged"),
  KUBECONFIG_BUSY: kind(11, "system", "Another program holds the lock of a kubeconfig file"),
  KUBECONFIG_CONFLICT: kind(
    11,
    "user",
    "A kubeconfig has an entry of the profile's name that slipway did not make",
  ),
  SNAPSHOT_NOT_FOUND: kind(105, "user", "There is no such snapshot"),
  SNAPSHOT_INVALID: kind(108, "user", "A snapshot is damaged, or of another cluster; nothing was touched"),
  // services in the cluster
  ADDON_NOT_READY: kind(112, "system", "An add-on did not become ready in time"),
  ADDON_UNKNOWN: kind(115, "user", "There is no such add-on"),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCodes;

export interface SlipwayErrorOptions {
  /** What to do about it: one line, a command where there is one. */
  hint?: string;
  /** Labelled facts, shown one a line: `last seen`, `node`, `command`, … */
  details?: Record<string, string>;
  cause?: unknown;
}

/** The one error class: a stable code, what happened, what was seen and what to do. */
export class SlipwayError extends Error {
  override readonly name = "SlipwayError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, string>;

  constructor(code: ErrorCode, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }

  get class(): ErrorClass {
    return errorCodes[this.code].class;
  }
}

export const isSlipwayError = (error: unknown, code?: ErrorCode): error is SlipwayError =>
  error instanceof SlipwayError && (code === undefined || error.code === code);

/** What an unknown thrown value says, without its stack. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The `code` that Node's system errors carry (`ENOENT`, `ENOSPC` …). */
export const systemCode = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
