import { type TextKind, textKinds } from "../config-text.js";
import { isLeftover } from "../inventory-files.js";
import { groupJson, profileJson } from "../matchbox-json.js";
import type { Snapshot } from "../snapshot.js";
import type { BootProfile } from "../types.js";
import type { Conversion, ConvertedFile } from "./conversion.js";

/** An inventory in matchbox's layout. Of networks and machines matchbox knows nothing: they are among what is lost. */
export function toMatchbox(snapshot: Snapshot): Conversion {
  const names = Object.fromEntries(
    textKinds.map((kind) => [kind, fileNames(kind, snapshot[kind].keys())]),
  ) as Record<TextKind, Map<string, string>>;
  const files: ConvertedFile[] = [
    ...[...snapshot.groupsById.values()].map((group) => ({
      path: `groups/${group.id}.json`,
      text: groupJson(group),
    })),
    ...[...snapshot.profiles.values()].map((profile) => ({
      path: `profiles/${profile.id}.json`,
      text: profileJson(renamed(profile, names)),
    })),
    ...textKinds.flatMap((kind) =>
      [...snapshot[kind].values()].map(({ name, text }) => ({
        path: `${kind}/${names[kind].get(name)}`,
        text,
        secret: true,
      })),
    ),
  ];
  return { files, lost: lostOf(snapshot) };
}

/** Names that are paths become names of one file each; all others stay. */
function fileNames(kind: TextKind, names: Iterable<string>): Map<string, string> {
  const all = [...names];
  const taken = new Set(all.filter(isFileName));
  const given = new Map<string, string>();
  for (const name of all) {
    const flat = name.replaceAll(/[/\\]+/g, "-").replace(/^[.-]+/, "");
    let file = isFileName(name)
      ? name
      : isFileName(flat)
        ? flat
        : `${kind}-${flat.replaceAll(/[^\w.]/g, "")}`;
    for (let i = 2; !isFileName(name) && taken.has(file); i++) file = `${i}-${flat}`;
    taken.add(file);
    given.set(name, file);
  }
  return given;
}

const isFileName = (name: string): boolean => name !== "" && !/[/\\]/.test(name) && !isLeftover(name);

const renamed = (profile: BootProfile, names: Record<TextKind, Map<string, string>>): BootProfile => {
  const { ignitionId, cloudId, genericId, ...rest } = profile;
  const name = (kind: TextKind, id: string) => names[kind].get(id) ?? id;
  return {
    ...rest,
    ...(ignitionId === undefined ? {} : { ignitionId: name("ignition", ignitionId) }),
    ...(cloudId === undefined ? {} : { cloudId: name("cloud", cloudId) }),
    ...(genericId === undefined ? {} : { genericId: name("generic", genericId) }),
  };
};

function lostOf(snapshot: Snapshot): string[] {
  const { networks, dns, machines, groupsById, profiles, settings, assets, bootFiles, tftp } = snapshot;
  const lost = networks.map(({ subnet, mode }) => `the network ${subnet} (mode ${mode})`);
  for (const [firmware, { path }] of Object.entries(bootFiles)) {
    lost.push(`the boot file ${path} for ${firmware}`);
  }
  for (const { name } of dns.records) lost.push(`the DNS name ${name}`);
  for (const server of dns.forward) lost.push(`the DNS server ${server} that questions are forwarded to`);
  for (const { name, mac, address, labels, quirks, bootFile } of machines.byName.values()) {
    if (address !== undefined) lost.push(`the address ${address} of ${name}`);
    for (const [key, value] of Object.entries(labels)) lost.push(`the label ${key}=${value} of ${name}`);
    for (const quirk of quirks) lost.push(`the quirk ${quirk} of ${name}`);
    if (bootFile) lost.push(`the boot file ${bootFile.path} of ${name}`);
    // The group that its boot profile implies keeps its MAC.
    if (groupsById.get(name)?.selector.mac !== mac) lost.push(`the machine ${name} (${mac})`);
  }
  for (const group of groupsById.values())
    if (group.install) lost.push(`install: ${group.install} of the group ${group.id}`);
  for (const { id, install, secret } of profiles.values()) {
    if (install) lost.push(`install: ${install} of the boot profile ${id}`);
    if (secret)
      lost.push(`secret of the boot profile ${id}: matchbox serves its configurations to whoever asks`);
  }
  if (settings.approve !== "auto") lost.push("who approves machines: with matchbox all of them boot");
  for (const part of ["http", "tftp", "grpc"] as const) {
    if (Object.keys(settings[part] ?? {}).length > 0)
      lost.push(`the settings of ${part}: they are matchbox's flags`);
  }
  if (assets !== undefined) lost.push(`the assets: copy or link ${assets}`);
  if (tftp !== undefined) lost.push(`the files for TFTP in ${tftp}`);
  return lost;
}
