import { readFileSync } from "node:fs";
import { systemCode } from "../../base/errors.js";
import { failed, type Root } from "./root.js";

/** The account files (passwd(5), group(5), shadow(5), gshadow(5)): lines of fields with colons between them. */
export type AccountFile = "passwd" | "group" | "shadow" | "gshadow";

/** The records of an account file of the root; undefined: there is no such file. */
export function readAccounts(root: Root, file: AccountFile): string[][] | undefined {
  const text = readRootText(root, `/etc/${file}`);
  return text
    ?.split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

/** A text file of the root, its links followed inside the root; undefined: it is not there. */
export function readRootText(root: Root, path: string): string | undefined {
  try {
    return readFileSync(root.onHost(root.resolveFully(path)), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The number of a user that the root's /etc/passwd knows. */
export const userId = (root: Root, name: string): number => idOf(root, "passwd", "user", name);

/** The number of a group that the root's /etc/group knows. */
export const groupId = (root: Root, name: string): number => idOf(root, "group", "group", name);

function idOf(root: Root, file: AccountFile, what: string, name: string): number {
  const record = readAccounts(root, file)?.find(([known]) => known === name);
  if (!record) throw failed(`the root has no ${what} named ${name}`);
  return Number(record[2]);
}
