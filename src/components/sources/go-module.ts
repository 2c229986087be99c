import { createHash } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory } from "../../base/files.js";
import { handOver } from "../../base/hand-over.js";
import { acquireLock } from "../../base/lock.js";
import { expand } from "../catalog.js";
import type { CLibrary, Component, GoBuild } from "../catalog-entry.js";
import { buildHash, subjectOf } from "../look-up.js";
import { startProgress } from "../progress.js";
import type { Produced } from "../store.js";
import { checkBuildTools } from "./build-tools.js";
import { buildC } from "./c-file.js";
import { compile, executableName, listDependencies } from "./go-compile.js";
import { goVersion } from "./go-tool.js";
import { downloadModule, type GoWorkspace, prepareWorkspace } from "./go-workspace.js";
import type { FetchRequest, Source, SourceRun } from "./source.js";

/**
 * Builds released source that the Go module proxy has. All commands of a module at a version are built in one go
 * invocation, which shares the compiled packages; Go's own build cache makes an interrupted build go on where it was.
 */
export const goModuleSource: Source = {
  kind: "go-module",
  groupOf: ({ name, version, entry: { build } }) => {
    if (!build) return undefined;
    if (build.language === "c") return `c ${name} ${version}`;
    return JSON.stringify([
      build.module,
      moduleVersionOf(build, version),
      build.tags,
      build.ldflags,
      build.cgo,
    ]);
  },
  async fetch(requests, sourceRun) {
    const { build } = requests[0]!.component.entry;
    if (build?.language === "c") return [await buildC(requests[0]!, build, sourceRun)];
    return buildGroup(requests, sourceRun);
  },
};

const buildOf = ({ entry: { build } }: Component): GoBuild => {
  if (build?.language !== "go")
    throw new SlipwayError("INTERNAL", "a component of no Go module was to be built");
  return build;
};

const moduleVersionOf = (build: GoBuild, version: string) => build.moduleVersion ?? version;

async function buildGroup(requests: readonly FetchRequest[], sourceRun: SourceRun): Promise<Produced[]> {
  const { context } = sourceRun;
  const { component } = requests[0]!;
  const build = buildOf(component);
  const version = moduleVersionOf(build, component.version);
  const libraries: readonly CLibrary[] = build.cgo?.libraries ?? [];
  if (build.cgo) await checkBuildTools(libraries, context.signal);
  const toolchain = await goVersion(context.signal);

  const directory = join(context.paths.cache, "build", `${build.module.replaceAll("/", "_")}@${version}`);
  await makeDirectory(directory, { owner: context.owner });
  await using _lock = await acquireLock(join(directory, "lock"), {
    what: `the build of ${build.module}`,
    waitMs: 6 * 3600 * 1000,
    signal: context.signal,
    owner: context.owner,
  });

  const packages = new Map<Component, string>();
  const bars = requests.map(({ component }) =>
    startProgress({ subject: subjectOf(component), phase: "build", unit: "packages" }, context),
  );
  try {
    // Getting the sources is the network's time, compiling is the processors': other groups compile meanwhile.
    const { workspace, dependencies } = await sourceRun.downloads(async () => {
      for (const bar of bars) bar.update(0, undefined, `getting ${build.module}@${version}`);
      const module = await downloadModule(build.module, version, directory, context.signal);
      const workspace = await prepareWorkspace(directory, module, context.signal);
      for (const { component } of requests)
        packages.set(component, await workspace.packagePath(buildOf(component)));
      const dependencies = await listDependencies(workspace, [...packages.values()], build, {
        signal: context.signal,
        onDownload: (module) => {
          for (const bar of bars) bar.update(0, undefined, `getting ${module}`);
        },
      });
      return { workspace, dependencies };
    });
    for (const bar of bars) bar.wait();
    const flags = linkFlags(component, build, workspace);
    // Another set of commands or flags must not find this one's results.
    const outKey = createHash("sha256")
      .update(JSON.stringify([flags, build.tags]))
      .digest("hex")
      .slice(0, 12);
    const out = join(directory, `out-${outKey}`);
    await rm(out, { recursive: true, force: true });
    await makeDirectory(out);
    await sourceRun.builds(() =>
      compile(
        workspace,
        build,
        flags,
        out,
        requests.map(({ component }, i) => ({
          path: packages.get(component)!,
          dependencies: dependencies.get(packages.get(component)!) ?? new Set(),
          bar: bars[i]!,
        })),
        context.signal,
      ),
    );
    for (const { component, destination } of requests) {
      await rename(join(out, executableName(packages.get(component)!)), destination);
    }
    await rm(out, { recursive: true, force: true });
  } catch (error) {
    for (const bar of bars) bar.end("failed");
    throw error;
  } finally {
    await handOver(directory, context.owner);
  }
  for (const bar of bars) bar.end("ok");
  return requests.map(({ component }) => {
    const path = buildOf(component).package;
    return {
      recipe: buildHash(component.entry),
      provenance: {
        source: "go-module",
        origin: `${build.module}@${version}${path && ` ${path}`}, built with ${toolchain}`,
      },
    };
  });
}

function linkFlags(component: Component, build: GoBuild, { origin }: GoWorkspace): string {
  const facts = { commit: origin.commit ?? "unknown", time: origin.time };
  return ["-s", "-w", ...(build.ldflags ?? []).map((flag) => expand(flag, component, facts))].join(" ");
}
