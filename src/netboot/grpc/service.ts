import { selectGroup } from "../inventory/select.js";
import type { Snapshot } from "../inventory/snapshot.js";
import { machineLabels } from "../inventory/snapshot.js";
import type { InventoryStore } from "../inventory/store.js";
import type { Group, Labels } from "../inventory/types.js";
import {
  type GroupMessage,
  groupMessage,
  groupOf,
  type ProfileMessage,
  profileMessage,
  profileOf,
} from "./messages.js";

/** There is no such thing: gRPC's NOT_FOUND. */
export class NotFound extends Error {}

/** What the services do, by service and method. A request is a message as it came, the answer one to send. */
export type Services = Record<string, Record<string, Method>>;

/** Takes the message that the descriptor gives the method. */
type Method = (request: never) => object | Promise<object>;

/** Matchbox's services, on an inventory. */
export function services(store: InventoryStore, snapshot: () => Snapshot): Services {
  return {
    Groups: {
      GroupPut: async ({ group }: { group: GroupMessage | null }) => {
        await store.putGroup(groupOf(group));
        return {};
      },
      GroupGet: ({ id }: { id: string }) => ({
        group: groupMessage(there(store.getGroup(id), `no group has the id ${id}`)),
      }),
      GroupDelete: async ({ id }: { id: string }) =>
        deleted(await store.deleteGroup(id), `no group has the id ${id}`),
      GroupList: () => ({ groups: store.listGroups().map(groupMessage) }),
    },
    Profiles: {
      ProfilePut: async ({ profile }: { profile: ProfileMessage | null }) => {
        await store.putProfile(profileOf(profile));
        return {};
      },
      ProfileGet: ({ id }: { id: string }) => ({
        profile: profileMessage(there(store.getProfile(id), `no profile has the id ${id}`)),
      }),
      ProfileDelete: async ({ id }: { id: string }) =>
        deleted(await store.deleteProfile(id), `no profile has the id ${id}`),
      ProfileList: () => ({ profiles: store.listProfiles().map(profileMessage) }),
    },
    Ignition: texts(store, "Ignition", "ignition"),
    Generic: texts(store, "Generic", "generic"),
    Select: {
      SelectGroup: ({ labels }: { labels: Labels }) => ({
        group: groupMessage(selected(snapshot(), labels)),
      }),
      SelectProfile: ({ labels }: { labels: Labels }) => {
        const now = snapshot();
        const { profile } = selected(now, labels);
        return { profile: profileMessage(there(now.profiles.get(profile), "matchbox: No matching Profile")) };
      },
    },
  };
}

const texts = (store: InventoryStore, name: string, kind: "ignition" | "generic"): Services[string] => ({
  [`${name}Put`]: async ({ name, config }: { name: string; config: Uint8Array }) => {
    await store.putText(kind, name, config);
    return {};
  },
  [`${name}Get`]: ({ name }: { name: string }) => ({
    config: Buffer.from(
      there(store.getText(kind, name), `no ${kind} configuration has the name ${name}`).text,
    ),
  }),
  [`${name}Delete`]: async ({ name }: { name: string }) =>
    deleted(await store.deleteText(kind, name), `no ${kind} configuration has the name ${name}`),
});

function selected(snapshot: Snapshot, said: Labels): Group {
  const labels = machineLabels(snapshot, said);
  return there(selectGroup(snapshot.groups, labels), "matchbox: No matching Group");
}

function there<T>(found: T | undefined, message: string): T {
  if (found === undefined) throw new NotFound(message);
  return found;
}

function deleted(was: boolean, message: string): object {
  if (!was) throw new NotFound(message);
  return {};
}
