import { writeFileSync } from "node:fs";
import { type AccountFile, readAccounts, readRootText } from "./accounts.js";
import type { AccountDefaults, IdRange } from "./id-ranges.js";
import { failed, type Root } from "./root.js";

export interface UserRecord {
  name: string;
  uid: number;
  gid: number;
  comment: string;
  home: string;
  shell: string;
}

interface NewUser extends UserRecord {
  passwordHash: string;
  aging: AccountDefaults["aging"] | undefined;
  /** Days since 1970. */
  day: number;
}

/** The account files of a root, changed in memory and saved as a whole. Files that are not there are not made. */
export class AccountDatabase {
  readonly #root: Root;
  readonly #passwd: string[][];
  readonly #group: string[][];
  readonly #shadow: string[][] | undefined;
  readonly #gshadow: string[][] | undefined;
  readonly #subordinate: Record<"subuid" | "subgid", string | undefined>;

  constructor(root: Root) {
    const required = (file: AccountFile) => {
      const records = readAccounts(root, file);
      if (!records) throw failed(`the root has no /etc/${file}: users and groups cannot be made`);
      return records;
    };
    this.#root = root;
    this.#passwd = required("passwd");
    this.#group = required("group");
    this.#shadow = readAccounts(root, "shadow");
    this.#gshadow = readAccounts(root, "gshadow");
    this.#subordinate = {
      subuid: readRootText(root, "/etc/subuid"),
      subgid: readRootText(root, "/etc/subgid"),
    };
  }

  user(name: string): UserRecord | undefined {
    const record = this.#passwd.find(([known]) => known === name);
    if (!record) return undefined;
    const [, , uid, gid, comment = "", home = "", shell = ""] = record;
    return { name, uid: Number(uid), gid: Number(gid), comment, home, shell };
  }

  group(name: string): { name: string; gid: number } | undefined {
    const record = this.#group.find(([known]) => known === name);
    return record && { name, gid: Number(record[2]) };
  }

  /** A group by name or number. */
  groupNamed(nameOrGid: string): { name: string; gid: number } {
    const record = this.#group.find(([name, , gid]) => name === nameOrGid || gid === nameOrGid);
    if (!record) throw failed(`the root has no group ${nameOrGid}`);
    return { name: record[0]!, gid: Number(record[2]) };
  }

  uids = (): Set<number> => new Set(this.#passwd.map(([, , uid]) => Number(uid)));
  gids = (): Set<number> => new Set(this.#group.map(([, , gid]) => Number(gid)));

  addGroup(name: string, gid: number, passwordHash: string): void {
    checkFields(name, passwordHash);
    this.#group.push([name, this.#gshadow ? "x" : passwordHash, String(gid), ""]);
    this.#gshadow?.push([name, passwordHash, "", ""]);
  }

  addUser(user: NewUser): void {
    const { name, uid, gid, comment, home, shell, passwordHash, aging, day } = user;
    checkFields(name, comment, home, shell, passwordHash);
    this.#passwd.push([name, this.#shadow ? "x" : passwordHash, `${uid}`, `${gid}`, comment, home, shell]);
    const days = [aging?.min, aging?.max, aging?.warn].map((value) =>
      value === undefined || value < 0 ? "" : `${value}`,
    );
    this.#shadow?.push([name, passwordHash, `${day}`, ...days, "", "", ""]);
  }

  changeUser({ name, comment, shell }: UserRecord): void {
    checkFields(comment, shell);
    const record = this.#passwd.find(([known]) => known === name)!;
    record[4] = comment;
    record[6] = shell;
  }

  setPassword(name: string, passwordHash: string, day: number): void {
    checkFields(passwordHash);
    const shadow = this.#shadow?.find(([known]) => known === name);
    if (shadow) {
      shadow[1] = passwordHash;
      shadow[2] = String(day);
    } else {
      this.#passwd.find(([known]) => known === name)![1] = passwordHash;
    }
  }

  /** Makes a user a member of these groups and of no other. */
  setSupplementaryGroups(name: string, groups: string[]): void {
    const wanted = new Set(groups.map((group) => this.groupNamed(group).name));
    for (const record of [...this.#group, ...(this.#gshadow ?? [])]) {
      const members = (record[3] ?? "").split(",").filter((member) => member !== "" && member !== name);
      const was = (record[3] ?? "").split(",").includes(name);
      if (was && wanted.has(record[0]!)) continue;
      record[3] = [...members, ...(wanted.has(record[0]!) ? [name] : [])].join(",");
    }
  }

  /** subuid(5), subgid(5): the lowest free ranges. */
  addSubordinateIds(name: string, ranges: AccountDefaults["subordinateIds"]): void {
    for (const [file, range] of [
      ["subuid", ranges.uid],
      ["subgid", ranges.gid],
    ] as const) {
      const text = this.#subordinate[file];
      if (text === undefined || range.count === 0) continue;
      this.#subordinate[file] = `${text}${name}:${freeRange(text, range)}:${range.count}\n`;
    }
  }

  save(): void {
    const write = (file: string, text: string | undefined) => {
      if (text !== undefined) writeFileSync(this.#root.onHost(this.#root.resolveFully(`/etc/${file}`)), text);
    };
    const lines = (records: string[][] | undefined) =>
      records?.map((record) => `${record.join(":")}\n`).join("");
    write("passwd", lines(this.#passwd));
    write("group", lines(this.#group));
    write("shadow", lines(this.#shadow));
    write("gshadow", lines(this.#gshadow));
    write("subuid", this.#subordinate.subuid);
    write("subgid", this.#subordinate.subgid);
  }
}

function freeRange(text: string, { min, max, count }: IdRange & { count: number }): number {
  const taken = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":").slice(1).map(Number) as [number, number])
    .sort(([a], [b]) => a - b);
  let start = min;
  for (const [from, length] of taken) {
    if (from >= start + count) break;
    start = Math.max(start, from + length);
  }
  if (start + count - 1 > max) throw failed("there is no free range of subordinate ids");
  return start;
}

/** A colon or newline in a field would forge other fields or lines. */
function checkFields(...fields: string[]): void {
  for (const field of fields) {
    if (/[:\n]/.test(field))
      throw failed(`"${field}" cannot stand in an account file: it has a colon or newline`);
  }
}
