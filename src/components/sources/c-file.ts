import { join } from "node:path";
import { makeDirectory } from "../../base/files.js";
import { run } from "../../base/run.js";
import { expand } from "../catalog.js";
import type { CBuild } from "../catalog-entry.js";
import { buildHash, subjectOf } from "../look-up.js";
import { startProgress } from "../progress.js";
import type { Produced } from "../store.js";
import { checkBuildTools } from "./build-tools.js";
import { goVersion } from "./go-tool.js";
import { downloadModule } from "./go-workspace.js";
import type { FetchRequest, SourceRun } from "./source.js";

/** Compiles one C file that is in a Go module, as Kubernetes' pause is. */
export async function buildC(
  { component, destination }: FetchRequest,
  { module, moduleVersion, file, flags }: CBuild,
  { context, downloads, builds }: SourceRun,
): Promise<Produced> {
  const { signal } = context;
  await checkBuildTools([], signal);
  await goVersion(signal);
  const bar = startProgress({ subject: subjectOf(component), phase: "build", unit: "files" }, context);
  try {
    const cwd = join(context.paths.cache, "build");
    await makeDirectory(cwd, { owner: context.owner });
    const { directory } = await downloads(() => {
      bar.update(0, 1, `getting ${module}@${moduleVersion}`);
      return downloadModule(module, moduleVersion, cwd, signal);
    });
    bar.wait();
    const args = [...flags.map((flag) => expand(flag, component)), "-o", destination, join(directory, file)];
    await builds(() => {
      bar.update(0, 1, "compiling");
      return run("gcc", args, { signal });
    });
  } catch (error) {
    bar.end("failed");
    throw error;
  }
  bar.end("ok");
  return {
    recipe: buildHash(component.entry),
    provenance: { source: "go-module", origin: `${module}@${moduleVersion} ${file}, built with gcc` },
  };
}
