import { posix } from "node:path";
import type { IgnitionConfig, IgnitionDirectory, IgnitionFile, IgnitionLink } from "./config.js";
import type { Report } from "./problem.js";
import { checkResource } from "./resource-checks.js";

type Storage = NonNullable<IgnitionConfig["storage"]>;

/** Checks files, directories and links: each for itself, and against one another. */
export function checkNodes(storage: Storage, report: Report, minor: number): void {
  const { files = [], directories = [], links = [] } = storage;
  for (const [i, file] of files.entries()) checkFile(file, report.at("files", i), minor);
  for (const [i, directory] of directories.entries()) {
    const at = report.at("directories", i);
    checkNode(directory, at);
    checkMode(directory.mode, at.at("mode"));
  }
  for (const [i, link] of links.entries()) checkLink(link, directories, report.at("links", i));
  for (const list of ["files", "directories", "links"] as const) {
    for (const [i, { path }] of (storage[list] ?? []).entries()) {
      const through = links.find((link) => link.path !== undefined && path?.startsWith(`${link.path}/`));
      if (through)
        report.at(list, i).error(`the path goes through ${through.path}, which is a link in this config`);
    }
  }
}

function checkFile(file: IgnitionFile, report: Report, minor: number): void {
  checkNode(file, report);
  checkMode(file.mode, report.at("mode"));
  if (file.overwrite && file.contents?.source === undefined) {
    report.at("overwrite").error("overwrite needs contents with a source");
  }
  if (file.contents) checkResource(file.contents, report.at("contents"), minor);
  for (const [i, part] of (file.append ?? []).entries()) checkResource(part, report.at("append", i), minor);
}

function checkLink(link: IgnitionLink, directories: IgnitionDirectory[], report: Report): void {
  checkNode(link, report);
  if (!link.target) {
    report.at("target").error("a link needs a target");
    return;
  }
  if (!link.hard) return;
  const target = cleanPath(
    posix.isAbsolute(link.target) ? link.target : posix.join(link.path ?? "/", link.target),
  );
  if (directories.some(({ path }) => path === target))
    report.error("a hard link cannot point to a directory");
  for (const owner of ["user", "group"] as const) {
    if (link[owner]?.id !== undefined) report.at(owner, "id").warn("a hard link has its target's owner");
    if (link[owner]?.name !== undefined) report.at(owner, "name").warn("a hard link has its target's owner");
  }
}

function checkNode({ path, user, group }: Omit<IgnitionDirectory, "mode">, report: Report): void {
  checkPath(path, report.at("path"));
  for (const [name, owner] of Object.entries({ user, group })) {
    if (owner?.id !== undefined && owner.name) report.at(name).error("both id and name are set");
    if (owner?.id !== undefined && owner.id < 0) report.at(name, "id").error("an id is not negative");
  }
}

/** An absolute path in its shortest form. */
export function checkPath(path: string | undefined, report: Report): void {
  if (!path) report.error("the path is missing");
  else if (!posix.isAbsolute(path)) report.error(`the path is not absolute: ${path}`);
  else if (cleanPath(path) !== path) report.error(`the path is not in its shortest form: ${cleanPath(path)}`);
  else if (path.includes("\0")) report.error("the path has a NUL in it");
}

const cleanPath = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, "");

function checkMode(mode: number | undefined, report: Report): void {
  if (mode === undefined) return;
  if (mode < 0 || mode > 0o7777) report.error(`not a file mode: ${mode} (decimal; 420 is 0644)`);
  else if ((mode & 0o7000) !== 0) report.warn("setuid, setgid and sticky bits are ignored before spec 3.6");
}
