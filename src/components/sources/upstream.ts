import { expand } from "../catalog.js";
import { downloadRelease } from "./release.js";
import type { Source } from "./source.js";

/** The files that a project releases, with the hashes that it publishes. */
export const upstreamSource: Source = {
  kind: "upstream",
  groupOf: (component) => component.entry.upstream && expand(component.entry.upstream.url, component),
  async fetch(requests, run) {
    const origin = await downloadRelease(requests, requests[0]!.component.entry.upstream!, run);
    return requests.map(() => ({ provenance: { source: "upstream", origin } }));
  },
};
