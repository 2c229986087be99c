import { chmodSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import type { IgnitionUnit } from "../config.js";
import { failed, type Root } from "./root.js";

/** Where Ignition puts units. */
export const unitDirectory = "/etc/systemd/system";

/** Writes a unit and its drop-ins, masks it or takes its mask away. A unit that is there is replaced. */
export function writeUnit(unit: IgnitionUnit, root: Root): void {
  if (unit.name.includes("/")) throw failed(`"${unit.name}" is not a unit's name`);
  for (const { name, contents } of unit.dropins ?? []) {
    if (name.includes("/")) throw failed(`"${name}" is not a drop-in's name`);
    if (contents !== undefined) replaceFile(`${unitDirectory}/${unit.name}.d/${name}`, contents, root);
  }
  if (unit.contents) replaceFile(`${unitDirectory}/${unit.name}`, unit.contents, root);
  if (unit.mask === true) mask(unit.name, root);
  if (unit.mask === false) unmask(unit.name, root);
}

/** Puts a file where a file, a link or nothing was. */
export function replaceFile(path: string, contents: string, root: Root): void {
  const at = root.resolve(path);
  const host = root.onHost(at);
  if (root.stat(at)?.isDirectory()) throw failed(`${path} cannot be written: a directory is there`);
  root.makeDirectories(posix.dirname(at));
  rmSync(host, { force: true });
  writeFileSync(host, contents, { flag: "wx" });
  chmodSync(host, 0o644);
}

/** systemd.unit(5): a unit that is a link to /dev/null cannot be started. */
function mask(name: string, root: Root): void {
  const at = root.resolve(`${unitDirectory}/${name}`);
  root.makeDirectories(posix.dirname(at));
  rmSync(root.onHost(at), { recursive: true, force: true });
  symlinkSync("/dev/null", root.onHost(at));
}

function unmask(name: string, root: Root): void {
  const at = root.resolve(`${unitDirectory}/${name}`);
  if (root.stat(at)?.isSymbolicLink() && root.readLink(at) === "/dev/null") unlinkSync(root.onHost(at));
}
