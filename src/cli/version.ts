import manifest from "../../package.json" with { type: "json" };

/** As released, without a `v`. */
export const version: string = manifest.version;
