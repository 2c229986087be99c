import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { buildLeftovers, debianSuite, makeDebianTree } from "./debian.js";
import { directory, type LayerEntry, symlink } from "./entry.js";
import { makeOnce } from "./make-once.js";

/** Not worth their bytes, nor the time to copy them for each node. Licences, `usr/share/doc/…/copyright`, stay. */
const unwanted = new RegExp(
  `^(?:${[
    ...buildLeftovers,
    "boot",
    "etc/(?:default|fstab|init\\.d|issue.*|pam\\.d|skel|ufw|update-motd\\.d)",
    "etc/(?:debconf\\.conf|dpkg)",
    "usr/(?:games|include|src)",
    "usr/lib/(?:mime|systemd|udev)",
    "usr/lib/[^/]+/gconv",
    // data that no program of ours reads: what is kept is named
    "usr/share/(?!doc$|doc/|ca-certificates|common-licenses|iptables|nodejs|terminfo)[^/]+",
    "usr/share/doc/[^/]+/(?!copyright$).+",
    "var/(?:backups|local|mail|opt|spool)",
    "var/lib/(?:dpkg|misc|pam|systemd)",
  ].join("|")})$`,
);

/**
 * A tree of unpacked Debian packages and all they depend on, made once for a set of packages.
 * @returns its directory
 */
export async function ensureDebianTree(packages: readonly string[], context: Context): Promise<string> {
  const wanted = [...packages].sort();
  const id = createHash("sha256")
    .update(JSON.stringify([debianSuite, wanted]))
    .digest("hex")
    .slice(0, 16);
  const path = join(context.paths.cache, "debian", "trees", id);
  await makeOnce(path, `the Debian tree of ${wanted.join(", ")}`, context, async (partial) => {
    await makeDebianTree({ variant: "extract", packages: wanted, target: join(partial, "root") }, context);
    return { suite: debianSuite, packages: wanted };
  });
  return join(path, "root");
}

/** The entries of a tree on disk, without what no image needs. Devices and sockets are left out. */
export async function treeEntries(root: string): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  const visit = async (path: string): Promise<void> => {
    for (const name of await readdir(join(root, path))) {
      const inside = path === "" ? name : `${path}/${name}`;
      if (unwanted.test(inside)) continue;
      const full = join(root, inside);
      const found = await lstat(full);
      const mode = found.mode & 0o7777;
      if (found.isDirectory()) {
        entries.push(directory(inside, mode));
        await visit(inside);
      } else if (found.isSymbolicLink()) entries.push(symlink(inside, await readlink(full)));
      else if (found.isFile()) {
        entries.push({ type: "file", path: inside, mode, content: { file: full }, sizeBytes: found.size });
      }
    }
  };
  await visit("");
  return entries;
}

/** All of Mozilla's authorities in one text, as update-ca-certificates (8) writes it by default. */
export async function certificateBundle(tree: string): Promise<string> {
  const directory = join(tree, "usr/share/ca-certificates/mozilla");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".crt")).sort();
  const certificates = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return certificates.map((text) => `${text.trimEnd()}\n`).join("");
}
