import type { IgnitionConfig, IgnitionGroup, IgnitionUser } from "../config.js";
import { AccountDatabase } from "./account-database.js";
import { createHome, writeAuthorizedKeys } from "./home.js";
import { accountDefaults, freeId } from "./id-ranges.js";
import { failed, type Root } from "./root.js";

/**
 * Makes groups and users as Ignition has groupadd, useradd and usermod of shadow 4.13 make them, by editing the account
 * files: no program of the root is run. What would move or delete files of an existing user is refused.
 */
export function writeAccounts(
  { groups = [], users = [] }: NonNullable<IgnitionConfig["passwd"]>,
  root: Root,
  now: Date,
): void {
  if (groups.length + users.length === 0) return;
  const accounts = new AccountDatabase(root);
  for (const group of groups) addGroup(group, accounts, root);
  for (const user of users) {
    const present = accounts.user(user.name);
    if (user.shouldExist === false) {
      if (present) throw refusal(`user ${user.name}`, "would be deleted");
      continue;
    }
    if (present) changeUser(user, accounts, now);
    else addUser(user, accounts, root, now);
  }
  accounts.save();
  for (const user of users) {
    if (user.shouldExist === false || !user.sshAuthorizedKeys?.length) continue;
    writeAuthorizedKeys(accounts.user(user.name)!, user.sshAuthorizedKeys, root);
  }
}

function addGroup(
  { name, gid, passwordHash, system, shouldExist }: IgnitionGroup,
  accounts: AccountDatabase,
  root: Root,
): void {
  const present = accounts.group(name);
  if (shouldExist === false) {
    if (present) throw refusal(`group ${name}`, "would be deleted");
    return;
  }
  if (present) throw failed(`the group ${name} exists already`);
  if (gid !== undefined && accounts.gids().has(gid))
    throw failed(`the group ${name} cannot have gid ${gid}: it is taken`);
  const range = accountDefaults(root)[system ? "systemGids" : "gids"];
  accounts.addGroup(name, gid ?? freeId(range, accounts.gids(), system), passwordHash || "*");
}

function addUser(user: IgnitionUser, accounts: AccountDatabase, root: Root, now: Date): void {
  const { name, system = false } = user;
  const defaults = accountDefaults(root);
  if (user.uid !== undefined && accounts.uids().has(user.uid)) {
    throw failed(`the user ${name} cannot have uid ${user.uid}: it is taken`);
  }
  const uid = user.uid ?? freeId(defaults[system ? "systemUids" : "uids"], accounts.uids(), system);
  const gid = primaryGroup(user, uid, accounts, root);
  const home = user.homeDir || `${defaults.homes}/${name}`;
  const range = defaults.uids;
  accounts.addUser({
    name,
    uid,
    gid,
    comment: user.gecos ?? "",
    home,
    shell: user.shell || defaults.shell,
    passwordHash: user.passwordHash || "*",
    // a system account's password does not age
    aging: system ? undefined : defaults.aging,
    day: dayOf(now),
  });
  accounts.setSupplementaryGroups(name, user.groups ?? []);
  if (!system && uid >= range.min && uid <= range.max)
    accounts.addSubordinateIds(name, defaults.subordinateIds);
  if (!user.noCreateHome) createHome({ home, uid, gid }, defaults.homeMode, root);
}

function primaryGroup(user: IgnitionUser, uid: number, accounts: AccountDatabase, root: Root): number {
  const defaults = accountDefaults(root);
  if (user.primaryGroup) return accounts.groupNamed(user.primaryGroup).gid;
  if (user.noUserGroup || !defaults.userGroups) return defaults.defaultGid;
  if (accounts.group(user.name)) {
    throw failed(
      `the user ${user.name} cannot have a group of its own: a group of that name exists`,
      undefined,
      `set primaryGroup to ${user.name} to use that group`,
    );
  }
  const range = defaults[user.system ? "systemGids" : "gids"];
  const fits = uid >= range.min && uid <= range.max && !accounts.gids().has(uid);
  const gid = fits ? uid : freeId(range, accounts.gids(), user.system);
  accounts.addGroup(user.name, gid, "!");
  return gid;
}

function changeUser(user: IgnitionUser, accounts: AccountDatabase, now: Date): void {
  const present = accounts.user(user.name)!;
  const moved = user.homeDir && user.homeDir !== present.home;
  const renumbered = user.uid !== undefined && user.uid !== present.uid;
  const regrouped = user.primaryGroup && accounts.groupNamed(user.primaryGroup).gid !== present.gid;
  if (moved || renumbered || regrouped) {
    throw refusal(`user ${user.name}`, "exists, and would get another home, number or primary group");
  }
  if (user.gecos) present.comment = user.gecos;
  if (user.shell) present.shell = user.shell;
  accounts.changeUser(present);
  if (user.passwordHash !== undefined) accounts.setPassword(user.name, user.passwordHash || "*", dayOf(now));
  if (user.groups?.length) accounts.setSupplementaryGroups(user.name, user.groups);
}

/** shadow(5) counts days since 1970. */
const dayOf = (date: Date): number => Math.floor(date.getTime() / 86_400_000);

const refusal = (what: string, why: string) =>
  failed(`the ${what} ${why}, which slipway does not do`, undefined, "make the change in the node image");
