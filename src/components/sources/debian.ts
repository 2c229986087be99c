import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory } from "../../base/files.js";
import { run } from "../../base/run.js";
import { subjectOf } from "../look-up.js";
import { startProgress } from "../progress.js";
import type { Source } from "./source.js";

/** Files of Debian packages, from the archives that this machine's apt trusts and verifies. */
export const debianSource: Source = {
  kind: "debian",
  groupOf: ({ name, entry: { debian } }) => (debian ? name : undefined),
  async fetch([request], { context, downloads }) {
    const { component, destination } = request!;
    const { package: name, file } = component.entry.debian!;
    const { signal } = context;
    const directory = join(dirname(destination), "debian");
    await rm(directory, { recursive: true, force: true });
    await makeDirectory(directory, { owner: context.owner });
    const bar = startProgress({ subject: subjectOf(component), phase: "download", unit: "files" }, context);
    try {
      // Without the drop to the user _apt, who may not write here.
      const args = ["download", "--quiet", "-o", "APT::Sandbox::User=root", name];
      await downloads(() => {
        bar.update(0, 1, `Debian's ${name}`);
        return run("apt-get", args, { cwd: directory, signal });
      });
      const archive = (await readdir(directory)).find((entry) => entry.endsWith(".deb"));
      if (!archive) throw new SlipwayError("COMPONENT_UNAVAILABLE", `apt-get gave no file for ${name}`);
      const path = join(directory, archive);
      const version = (await run("dpkg-deb", ["--field", path, "Version"], { signal })).stdout.trim();
      if (upstreamVersion(version) !== component.version) {
        throw new SlipwayError(
          "COMPONENT_UNAVAILABLE",
          `Debian's ${name} is ${version}, not ${component.version}`,
        );
      }
      await run("dpkg-deb", ["--extract", path, join(directory, "tree")], { signal });
      await rename(join(directory, "tree", file), destination);
      bar.end("ok");
      return [{ provenance: { source: "debian", origin: `${name} ${version}` } }];
    } catch (error) {
      bar.end("failed");
      throw error;
    }
  },
};

/** `1:1.35.0-4+deb12u1` → `1.35.0` (Debian policy §5.6.12). */
export const upstreamVersion = (version: string): string =>
  version
    .replace(/^\d+:/, "")
    .replace(/-[^-]*$/, "")
    .replace(/[+~].*$/, "");
