import { SlipwayError } from "../../base/errors.js";
import type { BootProfile, Group, JsonValue, Labels } from "../inventory/types.js";

/** storagepb.Group */
export interface GroupMessage {
  id: string;
  name: string;
  profile: string;
  selector: Labels;
  /** A JSON object; empty: none. */
  metadata: Uint8Array;
}

/** storagepb.Profile */
export interface ProfileMessage {
  id: string;
  name: string;
  ignitionId: string;
  cloudId: string;
  genericId: string;
  /** Never left out in what we send: clients look into it without asking whether it is there. */
  boot: { kernel: string; initrd: string[]; args: string[] } | null;
}

export const groupMessage = ({ id, name = "", profile, selector, metadata }: Group): GroupMessage => ({
  id,
  name,
  profile,
  selector,
  metadata: Object.keys(metadata).length > 0 ? Buffer.from(JSON.stringify(metadata)) : Buffer.alloc(0),
});

/** @throws {SlipwayError} `CONFIG_INVALID` */
export function groupOf(message: GroupMessage | null): Omit<Group, "place"> {
  if (!message?.id) throw invalid("a group needs an id");
  if (!message.profile) throw invalid(`the group ${message.id} needs the id of a profile`);
  const { id, name, profile, selector } = message;
  return { id, ...filled({ name }), profile, selector: { ...selector }, metadata: metadataOf(message) };
}

function metadataOf({ id, metadata }: GroupMessage): Record<string, JsonValue> {
  if (metadata.length === 0) return {};
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(metadata));
  } catch (cause) {
    throw new SlipwayError("CONFIG_INVALID", `the metadata of group ${id} is not JSON in UTF-8`, { cause });
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw invalid(`the metadata of group ${id} is not a JSON object`);
  }
  return value;
}

export const profileMessage = (profile: BootProfile): ProfileMessage => ({
  id: profile.id,
  name: profile.name ?? "",
  ignitionId: profile.ignitionId ?? "",
  cloudId: profile.cloudId ?? "",
  genericId: profile.genericId ?? "",
  boot: { kernel: profile.boot.kernel ?? "", initrd: profile.boot.initrd, args: profile.boot.args },
});

/** @throws {SlipwayError} `CONFIG_INVALID` */
export function profileOf(message: ProfileMessage | null): Omit<BootProfile, "place"> {
  if (!message?.id) throw invalid("a profile needs an id");
  const { id, name, ignitionId, cloudId, genericId, boot } = message;
  return {
    id,
    ...filled({ name, ignitionId, cloudId, genericId }),
    boot: { ...filled({ kernel: boot?.kernel ?? "" }), initrd: boot?.initrd ?? [], args: boot?.args ?? [] },
  };
}

const invalid = (message: string): SlipwayError => new SlipwayError("CONFIG_INVALID", message);

/** Without what is empty: in protobuf that is what is not said. */
const filled = <K extends string>(fields: Record<K, string>): Partial<Record<K, string>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "")) as Partial<
    Record<K, string>
  >;
