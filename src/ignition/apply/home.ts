import {
  chmodSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { posix } from "node:path";
import type { UserRecord } from "./account-database.js";
import { failed, type Root } from "./root.js";

type Owner = Pick<UserRecord, "uid" | "gid">;

/** Makes a home directory with a copy of /etc/skel, unless something is there already. */
export function createHome({ home, ...owner }: Owner & { home: string }, mode: number, root: Root): void {
  const at = root.resolveFully(home);
  if (root.stat(at)) return;
  root.makeDirectories(at);
  copyTree(root.resolveFully("/etc/skel"), at, owner, root);
  setOwner(at, mode, owner, root);
}

/** Everything with its mode, owned by the user. */
function copyTree(from: string, to: string, owner: Owner, root: Root): void {
  if (!root.stat(from)?.isDirectory()) return;
  for (const name of readdirSync(root.onHost(from))) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const stats = root.stat(source);
    if (stats?.isDirectory()) {
      mkdirSync(root.onHost(target));
      copyTree(source, target, owner, root);
      setOwner(target, stats.mode & 0o7777, owner, root);
    } else if (stats?.isSymbolicLink()) {
      symlinkSync(root.readLink(source), root.onHost(target));
      lchownSync(root.onHost(target), owner.uid, owner.gid);
    } else if (stats?.isFile()) {
      copyFileSync(root.onHost(source), root.onHost(target));
      setOwner(target, stats.mode & 0o7777, owner, root);
    }
  }
}

/** Writes keys where Ignition does by default: a fragment of its own, only its user can read it. */
export function writeAuthorizedKeys(user: UserRecord, keys: string[], root: Root): void {
  const home = root.resolveFully(user.home);
  if (!root.stat(home)?.isDirectory())
    throw failed(`the SSH keys of ${user.name} have no place: ${user.home} does not exist`);
  const fragments = root.resolveFully(`${user.home}/.ssh/authorized_keys.d`);
  const missing: string[] = [];
  for (let at = fragments; !root.stat(at); at = posix.dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    mkdirSync(root.onHost(directory));
    setOwner(directory, 0o700, user, root);
  }
  const file = `${fragments}/ignition`;
  rmSync(root.onHost(file), { force: true });
  writeFileSync(root.onHost(file), `${keys.join("\n")}\n`, { flag: "wx", mode: 0o600 });
  setOwner(file, 0o600, user, root);
}

function setOwner(at: string, mode: number, { uid, gid }: Owner, root: Root): void {
  lchownSync(root.onHost(at), uid, gid);
  chmodSync(root.onHost(at), mode);
}
