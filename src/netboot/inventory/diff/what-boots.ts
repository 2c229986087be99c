import { renderDocument } from "../../render/documents.js";
import { selectGroup } from "../select.js";
import { machineLabels, type Snapshot } from "../snapshot.js";
import type { BootProfile, Labels } from "../types.js";

/** All that a machine of these labels gets, as plain data. */
export function whatBoots(snapshot: Snapshot, said: Labels): Record<string, unknown> {
  const machine = said.mac === undefined ? undefined : snapshot.machines.byMac.get(said.mac);
  const labels = machineLabels(snapshot, said);
  const group = selectGroup(snapshot.groups, labels);
  const profile = group && snapshot.profiles.get(group.profile);
  return {
    ...(machine?.address === undefined ? {} : { address: machine.address }),
    ...(machine ? { quirks: machine.quirks } : {}),
    ...(machine?.bootFile ? { "boot file": machine.bootFile.path } : {}),
    group: group?.id ?? "none",
    "boot profile": profile?.id ?? "none",
    ...(profile ? bootOf(profile) : {}),
    install: group?.install ?? profile?.install,
    secret: profile?.secret,
    ...(profile?.ignitionId === undefined ? {} : { ignition: document("ignition", labels, snapshot) }),
    ...(profile?.cloudId === undefined ? {} : { cloud: document("cloud", labels, snapshot) }),
    ...(profile?.genericId === undefined ? {} : { generic: document("generic", labels, snapshot) }),
  };
}

/** One a line: their order counts. */
const bootOf = ({ boot: { kernel, initrd, args } }: BootProfile) => ({
  kernel,
  initrd: initrd.join("\n"),
  args: args.join("\n"),
});

function document(kind: "ignition" | "cloud" | "generic", labels: Labels, snapshot: Snapshot): unknown {
  const rendered = renderDocument(kind, { labels, rawQuery: "" }, snapshot);
  if (rendered.status !== 200) return `none: ${rendered.reason}`;
  const text = rendered.body.toString();
  return kind === "ignition" ? (JSON.parse(text) as unknown) : text;
}
