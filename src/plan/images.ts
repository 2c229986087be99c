import { podCheckpointerBuild } from "../base/pod-checkpointer-build.js";

/** Where the images are that slipway makes itself. */
export const imageRepository = "slipway.local";

/**
 * The images that our own objects use. They go by these names on every node, wherever their files came from, so that a
 * plan does not depend on the network it is carried out in; provenance is in the image's labels and in
 * `slipway components list`.
 */
export const imageNames = {
  pause: "slipway.local/pause:3.10.1",
  coredns: "slipway.local/coredns:v1.14.7",
  metricsServer: "slipway.local/metrics-server:v0.9.0",
  localPathProvisioner: "slipway.local/local-path-provisioner:v0.0.30",
  busybox: "slipway.local/busybox:1.35.0",
  flannel: "slipway.local/flannel:v0.28.4",
  podCheckpointer: `slipway.local/pod-checkpointer:${podCheckpointerBuild.version}`,
} as const;
