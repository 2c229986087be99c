import { stringify } from "yaml";
import { apiVersion } from "../../../spec/schema.js";
import { textKinds } from "../config-text.js";
import { labFileName } from "../inventory-files.js";
import { defaultLeaseSeconds } from "../lab.js";
import type { LabForm, NetworkForm } from "../lab-schema.js";
import type { LabSettings, ListenSettings } from "../settings.js";
import type { Snapshot } from "../snapshot.js";
import type { BootProfile, Group, LabNetwork, Machine } from "../types.js";
import type { Conversion } from "./conversion.js";

/** An inventory as a lab.yaml, with its configurations in files beside it. */
export function toLab(snapshot: Snapshot): Conversion {
  const configs = textKinds.flatMap((kind) =>
    [...snapshot[kind].values()].map(({ name, text }) => ({ path: `${kind}/${name}`, text, secret: true })),
  );
  const { whole, lost } = withoutDangling(snapshot);
  for (const { path } of snapshot.ownBootFiles.values()) lost.push(`the boot file ${path}: copy it`);
  return { files: [{ path: labFileName, text: labText(labForm(whole)), secret: true }, ...configs], lost };
}

/** Matchbox's layout may name what is not there; a lab.yaml may not. */
function withoutDangling(snapshot: Snapshot): { whole: Snapshot; lost: string[] } {
  const lost: string[] = [];
  const groupsById = new Map(snapshot.groupsById);
  for (const { id, profile } of snapshot.groupsById.values()) {
    if (snapshot.profiles.has(profile)) continue;
    lost.push(`the group ${id}: there is no boot profile ${profile}`);
    groupsById.delete(id);
  }
  const profiles = new Map(snapshot.profiles);
  for (const profile of snapshot.profiles.values()) {
    const kept: BootProfile = { ...profile };
    for (const kind of textKinds) {
      const name = profile[`${kind}Id`];
      if (name === undefined || snapshot[kind].has(name)) continue;
      lost.push(`the name ${name} in the boot profile ${profile.id}: there is no such file in ${kind}/`);
      delete kept[`${kind}Id`];
    }
    profiles.set(profile.id, kept);
  }
  return { whole: { ...snapshot, groupsById, profiles }, lost };
}

/** The text of a lab.yaml. */
export const labText = (form: LabForm): string =>
  stringify(form, { lineWidth: 110, aliasDuplicateObjects: false });

function labForm(snapshot: Snapshot): LabForm {
  const { networks, dns, machines, groupsById, profiles, settings, assets, bootFiles, tftp } = snapshot;
  const described = [...machines.byName.values()];
  const implied = new Map(
    described.flatMap((machine) => {
      const group = groupsById.get(machine.name);
      return group && isImplied(group, machine) ? [[machine.name, group]] : [];
    }),
  );
  const [first, second] = networks;
  return {
    apiVersion,
    kind: "Lab",
    ...(first && !second ? { network: networkForm(first) } : {}),
    ...(second ? { networks: networks.map(networkForm) } : {}),
    ...optional(
      "dns",
      dns.records.length + dns.forward.length === 0
        ? undefined
        : {
            ...optional(
              "records",
              filled(Object.fromEntries(dns.records.map(({ name, addresses }) => [name, addresses]))),
            ),
            ...optional("forward", filled(dns.forward)),
          },
    ),
    ...optional(
      "machines",
      filled(described.map((machine) => machineForm(machine, implied.get(machine.name)))),
    ),
    ...optional(
      "groups",
      filled(
        [...groupsById.values()]
          .filter(({ id }) => !implied.has(id))
          .map(({ id, name, profile, selector, metadata, install }) => ({
            id,
            ...optional("name", name),
            profile,
            ...optional("selector", filled(selector)),
            ...optional("metadata", filled(metadata)),
            ...optional("install", install),
          })),
      ),
    ),
    ...optional(
      "profiles",
      filled(
        [...profiles.values()].map(({ id, name, boot, ignitionId, cloudId, genericId, install, secret }) => ({
          id,
          ...optional("name", name),
          ...optional("kernel", boot.kernel),
          ...optional("initrd", filled(boot.initrd)),
          ...optional("args", filled(boot.args)),
          ...optional("ignition", pathOf("ignition", ignitionId)),
          ...optional("cloud", pathOf("cloud", cloudId)),
          ...optional("generic", pathOf("generic", genericId)),
          ...optional("install", install),
          ...optional("secret", secret),
        })),
      ),
    ),
    ...optional("assets", assets),
    ...optional(
      "bootFiles",
      filled(Object.fromEntries(Object.entries(bootFiles).map(([firmware, { path }]) => [firmware, path]))),
    ),
    ...settingsForm(settings, tftp),
  };
}

/** Whether a machine's own `profile` says the same as the group. */
const isImplied = ({ selector, name, install }: Group, { mac }: Machine): boolean =>
  name === undefined && install === undefined && Object.keys(selector).length === 1 && selector.mac === mac;

const machineForm = (
  { name, mac, address, labels, quirks, bootFile }: Machine,
  group: Group | undefined,
) => ({
  name,
  mac,
  ...optional("address", address),
  ...optional("labels", filled(labels)),
  ...optional("quirks", filled(quirks)),
  ...optional("bootFile", bootFile?.path),
  ...(group ? { profile: group.profile, ...optional("metadata", filled(group.metadata)) } : {}),
});

function networkForm(network: LabNetwork): NetworkForm {
  const { address, subnet, mode, range, router, dns, ntp, domain, leaseSeconds, options } = network;
  const isDefaultDns = dns.length === 1 && dns[0] === address;
  return {
    ...optional("interface", network.interface),
    address,
    subnet,
    mode,
    ...optional("range", range && `${range.first}-${range.last}`),
    ...optional("router", router),
    ...optional("dns", isDefaultDns ? undefined : dns),
    ...optional("ntp", filled(ntp)),
    ...optional("domain", domain),
    ...optional("leaseTime", leaseSeconds === defaultLeaseSeconds ? undefined : leaseText(leaseSeconds)),
    ...optional("probe", network.probe),
    ...optional(
      "options",
      filled(options.map(({ code, value }) => ({ code, hex: Buffer.from(value).toString("hex") }))),
    ),
  };
}

/** `12h`, `90s` */
export const leaseText = (seconds: number): string =>
  seconds % 3600 === 0 ? `${seconds / 3600}h` : seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;

const pathOf = (kind: string, name: string | undefined): string | undefined => name && `${kind}/${name}`;

function settingsForm(
  { http, tftp, grpc, approve }: LabSettings,
  tftpDirectory: string | undefined,
): Pick<LabForm, "approve" | "http" | "tftp" | "grpc"> {
  const listen = ({ address, port }: ListenSettings) => ({
    ...optional("address", address),
    ...optional("port", port),
  });
  const { tls } = http;
  return {
    ...optional("approve", approve),
    ...optional(
      "http",
      filled({
        ...listen(http),
        ...optional("url", http.url),
        ...optional("events", http.events),
        ...optional("tls", tls && { ...listen(tls), certificate: tls.certificate, key: tls.key }),
      }),
    ),
    ...optional("tftp", filled({ ...listen(tftp), ...optional("directory", tftpDirectory) })),
    ...optional(
      "grpc",
      grpc && { ...listen(grpc), certificate: grpc.certificate, key: grpc.key, ca: grpc.ca },
    ),
  };
}

/** A field, when it has a value. */
const optional = <K extends string, T>(key: K, value: T | undefined): { [key in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: T };

const filled = <T extends object>(value: T): T | undefined =>
  Object.keys(value).length === 0 ? undefined : value;
