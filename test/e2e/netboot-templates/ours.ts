import { allAtOnce } from "../../../src/base/slices.js";
import { noSettings } from "../../../src/netboot/inventory/settings.js";
import { makeSnapshot } from "../../../src/netboot/inventory/snapshot.js";
import type { JsonValue } from "../../../src/netboot/inventory/types.js";
import { renderDocument } from "../../../src/netboot/render/documents.js";
import { labelsOf } from "../../../src/netboot/render/labels.js";
import { parseTemplate } from "../../../src/netboot/template/template.js";

/** What we make of a template for the default group: its bytes as Latin-1, or `refused`. */
export function ours(text: string, metadata: Record<string, JsonValue>, rawQuery: string): string {
  const { template } = parseTemplate(text, "generic/template");
  if (!template) return "refused";
  const place = { file: "test" };
  const written = JSON.parse(JSON.stringify(metadata)); // -0 becomes 0
  const snapshot = allAtOnce(
    makeSnapshot(
      {
        settings: noSettings,
        networks: [],
        dns: { records: [], forward: [] },
        machines: [],
        bootFiles: {},
        groups: [{ id: "all", profile: "p", selector: {}, metadata: written, place }],
        profiles: [{ id: "p", boot: { initrd: [], args: [] }, genericId: "template", place }],
        ignition: new Map(),
        cloud: new Map(),
        generic: new Map([["template", { name: "template", text, place, template }]]),
      },
      "",
    ),
  );
  const document = renderDocument("generic", { labels: labelsOf(rawQuery), rawQuery }, snapshot);
  return document.status === 200 ? document.body.toString("latin1") : "refused";
}
