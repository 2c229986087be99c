import { posix } from "node:path";
import type { IgnitionConfig, IgnitionFile, IgnitionResource, IgnitionUser } from "../config.js";
import { encodeDataUrl } from "../data-url.js";
import type { Problem, Report } from "../problem.js";
import { convertDisks, convertFilesystems } from "./v2-disks.js";
import type { ConfigV2, FileV2, NodeV2, StorageV2, UserV2 } from "./v2-schema.js";

/** An Ignition config, and where in the old one each of its entries comes from. */
export interface Converted {
  config: IgnitionConfig;
  origins: Map<object, Problem["path"]>;
}

/**
 * Says in Ignition 3.4 what a config of spec 2 says. Whatever means something else, or is said in another way, is a warning;
 * what cannot be said any more is an error. Paths are those of the old config.
 */
export function convertV2(old: ConfigV2, report: Report): Converted {
  const origins: Converted["origins"] = new Map();
  const from = <T extends object>(entry: T, ...path: Problem["path"]): T => {
    origins.set(entry, path);
    return entry;
  };
  const { storage = {}, systemd, networkd, passwd } = old;
  const paths = mountPaths(storage);
  const at = report.at("storage");
  const place = (node: NodeV2, list: string, i: number) => placeOf(node, paths, at.at(list, i));
  const config = {
    ignition: from(convertIgnition(old.ignition, report.at("ignition")), "ignition"),
    storage: {
      disks: convertDisks(storage.disks ?? [], at.at("disks"), from),
      raid: storage.raid?.map((raid, i) => from(raid, "storage", "raid", i)),
      filesystems: convertFilesystems(storage.filesystems ?? [], at.at("filesystems"), from),
      files: [
        ...(storage.files ?? []).map((file, i) =>
          from({ ...place(file, "files", i), ...contentsOf(file, at.at("files", i)) }, "storage", "files", i),
        ),
        ...networkFiles(networkd ?? {}, report.at("networkd"), from),
      ],
      directories: storage.directories?.map((directory, i) =>
        from({ ...place(directory, "directories", i), mode: directory.mode }, "storage", "directories", i),
      ),
      links: storage.links?.map((link, i) =>
        from(
          { ...place(link, "links", i), target: link.target, hard: link.hard || undefined },
          "storage",
          "links",
          i,
        ),
      ),
    },
    systemd: {
      units: systemd?.units?.map(({ enable, enabled, mask, contents, ...unit }, i) => {
        if (enable)
          report.at("systemd", "units", i, "enable").warn(`${unit.name}: enable is now called enabled`);
        const state = { enabled: enabled ?? (enable || undefined), mask: mask || undefined };
        return from({ ...unit, ...state, contents: contents || undefined }, "systemd", "units", i);
      }),
    },
    passwd: {
      users: passwd?.users?.map((user, i) =>
        from(convertUser(user, report.at("passwd", "users", i)), "passwd", "users", i),
      ),
      groups: passwd?.groups?.map((group, i) => from(group, "passwd", "groups", i)),
    },
  };
  return { config: config as unknown as IgnitionConfig, origins };
}

function convertIgnition(
  { config, ...others }: ConfigV2["ignition"],
  report: Report,
): IgnitionConfig["ignition"] {
  const { append, replace } = config ?? {};
  const at = report.at("config");
  for (const [i] of (append ?? []).entries()) {
    at.at("append", i).warn("append is now merge; the config that it names must be of spec 3 too");
  }
  if (replace) at.at("replace").warn("the config that it names must be of spec 3 too");
  return { ...others, config: { merge: append, replace }, version: "3.4.0" } as IgnitionConfig["ignition"];
}

/** File system → where its files are on the running system. Undefined: nowhere that the config says. */
function mountPaths({ filesystems = [] }: StorageV2): Map<string, string | undefined> {
  const named = filesystems.map(({ name = "", path }) => [name, path] as const);
  // The initramfs has the root file system there; Ignition 3 adds that itself.
  const paths = named.map(([name, path]) => [name, path?.replace(/^\/sysroot(?=\/|$)/, "") || path] as const);
  return new Map([["root", "/"], ...paths]);
}

function placeOf(node: NodeV2, paths: Map<string, string | undefined>, report: Report) {
  const { filesystem = "root", path = "", overwrite, user, group } = node;
  const base = paths.get(filesystem);
  if (!paths.has(filesystem)) report.at("filesystem").error(`there is no file system named "${filesystem}"`);
  else if (base === undefined) {
    report
      .at("filesystem")
      .error(`Ignition 3 has no files by file system: mount "${filesystem}" at a path, and give that path`);
  }
  return {
    path: base && posix.isAbsolute(path) ? posix.join(base, path) : path,
    overwrite,
    user: ownerOf(user),
    group: ownerOf(group),
  };
}

const ownerOf = (owner: NodeV2["user"]) =>
  owner ? { id: owner.id, name: owner.name || undefined } : undefined;

/** In spec 2 a file replaces what is there unless it says otherwise, and has contents even when it names none. */
function contentsOf(file: FileV2, report: Report): Partial<IgnitionFile> {
  const { contents = {}, append = false, mode } = file;
  const { compression, verification, httpHeaders, source } = contents;
  const resource = {
    source: source || encodeDataUrl(""),
    compression: compression || undefined,
    verification,
    httpHeaders,
  } as IgnitionResource;
  if (append && file.overwrite) report.at("overwrite").error("a file that appends cannot overwrite");
  if (append) {
    report.at("append").warn("append is now a list of contents");
    return { append: [resource], ...(mode !== undefined && { mode }) };
  }
  if (mode === undefined) report.warn("no mode: 0644");
  return { contents: resource, mode: mode ?? 0o644, overwrite: file.overwrite ?? true };
}

/** systemd-networkd's files, which Ignition 3 has no section for. */
function networkFiles(
  { units = [] }: NonNullable<ConfigV2["networkd"]>,
  report: Report,
  from: <T extends object>(entry: T, ...path: Problem["path"]) => T,
): IgnitionFile[] {
  return units.flatMap(({ name = "", contents, dropins = [] }, i) => {
    const path = `/etc/systemd/network/${name}`;
    const at = report.at("units", i);
    if (!name || name.includes("/")) at.at("name").error("a networkd unit needs a name without a slash");
    at.warn(`networkd units are now files: ${path}`);
    const file = (to: string, text: string): IgnitionFile =>
      from(
        { path: to, mode: 0o644, overwrite: true, contents: { source: encodeDataUrl(text) } },
        "networkd",
        "units",
        i,
      );
    return [
      ...(contents ? [file(path, contents)] : []),
      ...dropins.map((dropin) => file(`${path}.d/${dropin.name}`, dropin.contents ?? "")),
    ];
  });
}

function convertUser({ create, ...user }: UserV2, report: Report): IgnitionUser {
  if (create) report.at("create").warn("create is gone: what it says is now said of the user");
  const given = Object.entries({ ...create, ...user }).filter(([, value]) => value !== "" && value !== false);
  return Object.fromEntries(given) as unknown as IgnitionUser;
}
