import { readRootText } from "./accounts.js";
import { failed, type Root } from "./root.js";

export interface IdRange {
  min: number;
  max: number;
}

/** What the root's /etc/login.defs and /etc/default/useradd say; shadow's own defaults where they say nothing. */
export interface AccountDefaults {
  uids: IdRange;
  gids: IdRange;
  systemUids: IdRange;
  systemGids: IdRange;
  subordinateIds: { uid: IdRange & { count: number }; gid: IdRange & { count: number } };
  /** shadow(5): days between changes at least, at most, and of warning. */
  aging: { min: number; max: number; warn: number };
  homeMode: number;
  homes: string;
  shell: string;
  /** Whether every user gets a group of its own. */
  userGroups: boolean;
  defaultGid: number;
}

export function accountDefaults(root: Root): AccountDefaults {
  const login = settings(readRootText(root, "/etc/login.defs") ?? "", /\s+/);
  const useradd = settings(readRootText(root, "/etc/default/useradd") ?? "", /=/);
  const number = (key: string, fallback: number) => {
    const text = login.get(key);
    if (text === undefined) return fallback;
    return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  };
  const uids = { min: number("UID_MIN", 1000), max: number("UID_MAX", 60000) };
  const gids = { min: number("GID_MIN", 1000), max: number("GID_MAX", 60000) };
  const subordinate = (kind: string) => ({
    min: number(`SUB_${kind}_MIN`, 100_000),
    max: number(`SUB_${kind}_MAX`, 600_100_000),
    count: number(`SUB_${kind}_COUNT`, 65_536),
  });
  return {
    uids,
    gids,
    systemUids: { min: number("SYS_UID_MIN", 101), max: number("SYS_UID_MAX", uids.min - 1) },
    systemGids: { min: number("SYS_GID_MIN", 101), max: number("SYS_GID_MAX", gids.min - 1) },
    subordinateIds: { uid: subordinate("UID"), gid: subordinate("GID") },
    aging: {
      min: number("PASS_MIN_DAYS", -1),
      max: number("PASS_MAX_DAYS", -1),
      warn: number("PASS_WARN_AGE", -1),
    },
    homeMode: number("HOME_MODE", 0o777 & ~number("UMASK", 0o022)),
    homes: useradd.get("HOME") ?? "/home",
    shell: useradd.get("SHELL") ?? "/bin/sh",
    userGroups: login.get("USERGROUPS_ENAB") !== "no",
    defaultGid: Number(useradd.get("GROUP") ?? 100),
  };
}

function settings(text: string, separator: RegExp): Map<string, string> {
  const lines = text.split("\n").map((line) => line.trim());
  return new Map(
    lines
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const [key = "", ...value] = line.split(separator);
        return [key, value.join(" ").trim()];
      }),
  );
}

/**
 * A number that is not taken, as shadow chooses (libmisc/find_new_uid.c): a user gets the one after the highest that is used, a
 * system account the one before the lowest; where that leaves the range, the first free one from the same end.
 */
export function freeId({ min, max }: IdRange, taken: Set<number>, system = false): number {
  const used = [...taken].filter((id) => id >= min && id <= max);
  const step = system ? -1 : 1;
  const start = system ? Math.min(max + 1, ...used) - 1 : Math.max(min - 1, ...used) + 1;
  for (const from of [start, system ? max : min]) {
    for (let id = from; id >= min && id <= max; id += step) if (!taken.has(id)) return id;
  }
  throw failed(`all numbers from ${min} to ${max} are taken`);
}
