import { textKinds } from "../config-text.js";
import type { Snapshot } from "../snapshot.js";
import type { Find } from "./finding.js";

/** What nothing leads to. (Names that lead nowhere are found where the inventory is read.) */
export function findUnused(snapshot: Snapshot, find: Find): void {
  const profiles = new Set([...snapshot.groupsById.values()].map(({ profile }) => profile));
  for (const profile of snapshot.profiles.values()) {
    if (profiles.has(profile.id)) continue;
    const message = `no group boots the boot profile ${profile.id}`;
    find({ severity: "warning", check: "unused-profile", subject: { profile }, field: [], message });
  }
  for (const kind of textKinds) {
    const used = new Set([...snapshot.profiles.values()].map((profile) => profile[`${kind}Id`]));
    for (const { name, place } of snapshot[kind].values()) {
      if (used.has(name)) continue;
      const message = `no boot profile names this ${kind} configuration`;
      find({ severity: "warning", check: "unused-config", subject: { place }, field: [], message });
    }
  }
}
