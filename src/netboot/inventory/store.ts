import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory, syncDirectory, writeError, writeFileAtomic } from "../../base/files.js";
import { shown } from "../../spec/problems.js";
import type { TextKind } from "./config-text.js";
import { type FileRole, isLeftover } from "./inventory-files.js";
import { groupJson, profileJson } from "./matchbox-json.js";
import { placeText } from "./problem.js";
import type { ConfigText } from "./snapshot.js";
import type { BootProfile, Group, Place } from "./types.js";
import type { LiveInventory } from "./watch.js";

/** Configurations often hold secrets. */
const secretMode = 0o600;

/**
 * Changes an inventory's files, in matchbox's layout, as its API does: each change is tried as part of the whole, lasting
 * when it returns, and live then. A name is a file's name: nothing can be written outside its own directory.
 */
export class InventoryStore {
  readonly #live: LiveInventory;

  constructor(live: LiveInventory) {
    this.#live = live;
  }

  /** Sorted by id; those that machines' boot profiles imply, too. */
  listGroups(): Group[] {
    return byId(this.#live.snapshot.groupsById);
  }

  getGroup(id: string): Group | undefined {
    return this.#live.snapshot.groupsById.get(id);
  }

  /**
   * Makes or replaces a group.
   *
   * @throws {SlipwayError} `CONFIG_INVALID`: its id or MAC is not right, it stands in a lab.yaml, or the whole would not be
   * valid with it; `DISK_FULL`, `STATE_WRITE_FAILED`. Nothing is changed then.
   */
  async putGroup(group: Omit<Group, "place">): Promise<void> {
    this.#checkName("group", group.id, this.getGroup(group.id)?.place);
    await this.#put(`groups/${group.id}.json`, { kind: "group", id: group.id }, groupJson(group));
  }

  /** Gives whether there was one. @throws {SlipwayError} as `putGroup` */
  async deleteGroup(id: string): Promise<boolean> {
    return this.#delete("group", id, `groups/${id}.json`, { kind: "group", id }, this.getGroup(id)?.place);
  }

  /** Sorted by id. */
  listProfiles(): BootProfile[] {
    return byId(this.#live.snapshot.profiles);
  }

  getProfile(id: string): BootProfile | undefined {
    return this.#live.snapshot.profiles.get(id);
  }

  /** Makes or replaces a boot profile. @throws {SlipwayError} as `putGroup` */
  async putProfile(profile: Omit<BootProfile, "place">): Promise<void> {
    const { id } = profile;
    this.#checkName("boot profile", id, this.getProfile(id)?.place);
    await this.#put(`profiles/${id}.json`, { kind: "profile", id }, profileJson(profile));
  }

  /** Gives whether there was one. @throws {SlipwayError} as `putGroup` */
  async deleteProfile(id: string): Promise<boolean> {
    const role: FileRole = { kind: "profile", id };
    return this.#delete("boot profile", id, `profiles/${id}.json`, role, this.getProfile(id)?.place);
  }

  getText(kind: TextKind, name: string): ConfigText | undefined {
    return this.#live.snapshot[kind].get(name);
  }

  /** Makes or replaces a configuration. @throws {SlipwayError} as `putGroup` */
  async putText(kind: TextKind, name: string, text: string | Uint8Array): Promise<void> {
    this.#checkName(`${kind} configuration`, name, this.getText(kind, name)?.place);
    await this.#put(`${kind}/${name}`, { kind, name }, text, secretMode);
  }

  /** Gives whether there was one. @throws {SlipwayError} as `putGroup` */
  async deleteText(kind: TextKind, name: string): Promise<boolean> {
    const place = this.getText(kind, name)?.place;
    return this.#delete(`${kind} configuration`, name, `${kind}/${name}`, { kind, name }, place);
  }

  /** @param place where one of that name stands now */
  #checkName(what: string, name: string, place: Place | undefined): void {
    const refuse = (why: string) =>
      new SlipwayError("CONFIG_INVALID", `${shown(name)} cannot be a ${what}'s name: ${why}`);
    if (name === "") throw refuse("it is empty");
    if (/[/\\\0]/.test(name) || name === "..") throw refuse("it is the name of a file, not a path");
    if (isLeftover(name)) throw refuse("files of such names are not read, as editors leave them behind");
    // With `.json` and the temporary file's own letters it must still be a file name.
    if (Buffer.byteLength(name) > 200) throw refuse("it has more than 200 bytes");
    // What stands in a lab.yaml has a line.
    if (place?.line !== undefined) {
      throw new SlipwayError("CONFIG_INVALID", `the ${what} ${name} is written in ${placeText(place)}`, {
        hint: "change it there",
      });
    }
  }

  async #put(path: string, role: FileRole, text: string | Uint8Array, mode?: number): Promise<void> {
    this.#refuseLabAlone();
    const file = join(this.#live.files.directory, path);
    await this.#live.change(path, role, Buffer.from(text as string), async () => {
      await makeDirectory(dirname(file));
      await writeFileAtomic(file, text, mode === undefined ? {} : { mode });
    });
  }

  async #delete(
    what: string,
    name: string,
    path: string,
    role: FileRole,
    place: Place | undefined,
  ): Promise<boolean> {
    this.#refuseLabAlone();
    if (place === undefined && !this.#live.files.files.has(path)) return false;
    this.#checkName(what, name, place);
    const file = join(this.#live.files.directory, path);
    await this.#live.change(path, role, undefined, async () => {
      try {
        await rm(file);
        await syncDirectory(dirname(file));
      } catch (error) {
        throw writeError(file, error);
      }
    });
    return true;
  }

  #refuseLabAlone(): void {
    if (!this.#live.files.labOnly) return;
    throw new SlipwayError("CONFIG_INVALID", "this inventory is one file, which is not written to", {
      hint: "serve the directory that the file is in: what is put goes into files beside it",
    });
  }
}

const byId = <T extends { id: string }>(map: ReadonlyMap<string, T>): T[] =>
  [...map.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
