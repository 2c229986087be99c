import { each, type Slices } from "../../base/slices.js";
import type { IgnitionConfig } from "../../ignition/config.js";
import type { Template } from "../template/template.js";
import { type GroupIndex, indexGroupsInSlices } from "./select.js";
import type { LabSettings } from "./settings.js";
import type {
  BootProfile,
  Group,
  Inventory,
  LabDns,
  Labels,
  LabNetwork,
  Machine,
  OwnBootFile,
  OwnBootFiles,
  Place,
} from "./types.js";

/**
 * All that the servers answer from, at one moment: read and checked as a whole, indexed, and never changed. A change
 * of the inventory makes a new one.
 */
export interface Snapshot {
  /** SHA-256 of what was read, hexadecimal: the same digest, the same answers. */
  digest: string;
  settings: LabSettings;
  networks: readonly LabNetwork[];
  dns: LabDns;
  machines: MachineIndex;
  /** Machines by name and by its first label, in lower case; of several the first. For DNS. */
  hosts: ReadonlyMap<string, Machine>;
  /** For selectGroup(). Holds the groups that machines' own boot profiles imply, too. */
  groups: GroupIndex;
  /** By id. */
  groupsById: ReadonlyMap<string, Group>;
  /** By id. */
  profiles: ReadonlyMap<string, BootProfile>;
  /** By the names that boot profiles give: ignitionId, cloudId, genericId. */
  ignition: ReadonlyMap<string, ConfigText>;
  cloud: ReadonlyMap<string, ConfigText>;
  generic: ReadonlyMap<string, ConfigText>;
  /** Directory behind `/assets/`; undefined: none. */
  assets?: string;
  /** Boot files of the user's own, by firmware. */
  bootFiles: OwnBootFiles;
  /** All of them, machines' too, by the name that they are served as. */
  ownBootFiles: ReadonlyMap<string, OwnBootFile>;
  /** Directory of further files for TFTP; undefined: none. */
  tftp?: string;
}

/** A configuration as it was written: a template, or an Ignition config that is served as it is. */
export interface ConfigText {
  name: string;
  text: string;
  place: Place;
  /** Parsed once; undefined for a raw Ignition config. */
  template?: Template;
  /** Of a raw Ignition config (`.ign`, `.ignition`): what it says, valid; undefined for templates. */
  config?: IgnitionConfig;
}

export interface MachineIndex {
  byName: ReadonlyMap<string, Machine>;
  /** Lower case with colons. */
  byMac: ReadonlyMap<string, Machine>;
  /** Those that have an address of their own. */
  byAddress: ReadonlyMap<string, Machine>;
}

/** What a machine's request says, with the labels that its description adds; these win. */
export function machineLabels({ machines }: Snapshot, said: Labels): Labels {
  const own = said.mac === undefined ? undefined : machines.byMac.get(said.mac)?.labels;
  return own === undefined ? said : { ...said, ...own };
}

/** What was read of all files, with where each text came from. */
export interface Contents extends Omit<Inventory, "ignition" | "cloud" | "generic"> {
  settings: LabSettings;
  ignition: ReadonlyMap<string, ConfigText>;
  cloud: ReadonlyMap<string, ConfigText>;
  generic: ReadonlyMap<string, ConfigText>;
}

/** @param contents that were found valid: ids, names, MACs and addresses are each there once. */
export function* makeSnapshot(contents: Contents, digest: string): Slices<Snapshot> {
  const { machines, groups, profiles, assets, bootFiles, tftp } = contents;
  const byName = new Map<string, Machine>();
  const byMac = new Map<string, Machine>();
  const byAddress = new Map<string, Machine>();
  const hosts = new Map<string, Machine>();
  const own = Object.values(bootFiles);
  yield* each(machines, (machine) => {
    if (machine.bootFile) own.push(machine.bootFile);
    byName.set(machine.name, machine);
    byMac.set(machine.mac, machine);
    if (machine.address !== undefined) byAddress.set(machine.address, machine);
    const host = machine.name.toLowerCase();
    for (const name of [host, host.split(".")[0]!]) if (!hosts.has(name)) hosts.set(name, machine);
  });
  const groupsById = new Map<string, Group>();
  yield* each(groups, (group) => groupsById.set(group.id, group));
  return {
    digest,
    settings: contents.settings,
    networks: contents.networks,
    dns: contents.dns,
    machines: { byName, byMac, byAddress },
    hosts,
    groups: yield* indexGroupsInSlices(groups),
    groupsById,
    profiles: new Map(profiles.map((profile) => [profile.id, profile])),
    ignition: contents.ignition,
    cloud: contents.cloud,
    generic: contents.generic,
    ...(assets === undefined ? {} : { assets }),
    bootFiles,
    ownBootFiles: new Map(own.map((file) => [file.name, file])),
    ...(tftp === undefined ? {} : { tftp }),
  };
}
