/** Put in when slipway is bundled (scripts/build.mjs). */
declare const SLIPWAY_POD_CHECKPOINTER: PodCheckpointerBuild | undefined;

/** The pod-checkpointer's program, which slipway brings along in one file. */
export interface PodCheckpointerBuild {
  /** The image's tag: changes whenever the file does. */
  version: string;
  /** Of the file, lower-case hex. */
  sha256: string;
}

export const podCheckpointerBuild: PodCheckpointerBuild =
  typeof SLIPWAY_POD_CHECKPOINTER === "undefined"
    ? { version: "unbundled", sha256: "" }
    : SLIPWAY_POD_CHECKPOINTER;
