import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory, readTextIfPresent, writeFileAtomic } from "../../base/files.js";
import { run } from "../../base/run.js";
import { goArchitecture } from "../catalog.js";
import type { GoBuild } from "../catalog-entry.js";
import { goFailure } from "./go-tool.js";

/** A module of the proxy, unpacked in Go's module cache. */
export interface DownloadedModule {
  path: string;
  version: string;
  /** Where its tree is. */
  directory: string;
  /** RFC 3339. */
  time: string;
  /** Of the source repository, when the proxy says. */
  commit?: string;
}

/** A module of ours that only requires the one to build: a command of a module that has replace directives cannot be installed. */
export interface GoWorkspace {
  directory: string;
  origin: DownloadedModule;
  environment(build: GoBuild): Record<string, string>;
  /** The package to name in go's command line. */
  packagePath(build: GoBuild): Promise<string>;
}

/** Downloads a module without its dependencies. Go checks it against its checksum database. */
export async function downloadModule(
  path: string,
  version: string,
  cwd: string,
  signal: AbortSignal,
): Promise<DownloadedModule> {
  const { stdout, stderr, exitCode } = await run("go", ["mod", "download", "-json", `${path}@${version}`], {
    cwd,
    env: { GOWORK: "off", GOFLAGS: "-mod=mod" },
    signal,
    allowFailure: true,
  });
  const answer = parseAnswer(stdout);
  if (exitCode !== 0 || !answer.Dir || !answer.Info) {
    const output = answer.Error ?? (stderr.trim() || "go gave no reason");
    throw goFailure(
      new SlipwayError("PROGRAM_FAILED", "go mod download failed", { details: { output } }),
      `${path}@${version} could not be downloaded`,
    );
  }
  const info = JSON.parse(await readFile(answer.Info, "utf8")) as { Time: string };
  const commit = answer.Origin?.Hash;
  return { path, version, directory: answer.Dir, time: info.Time, ...(commit ? { commit } : {}) };
}

interface DownloadAnswer {
  Dir?: string;
  Info?: string;
  Error?: string;
  Origin?: { Hash?: string };
}

function parseAnswer(text: string): DownloadAnswer {
  try {
    return JSON.parse(text) as DownloadAnswer;
  } catch {
    return {};
  }
}

/**
 * Writes go.mod and go.sum of the workspace: the module's own requirements word for word, so that it is built of what its
 * authors released it with, and nothing has to be resolved.
 */
export async function prepareWorkspace(
  directory: string,
  module: DownloadedModule,
  signal: AbortSignal,
): Promise<GoWorkspace> {
  const { stdout } = await run("go", ["mod", "edit", "-json", join(module.directory, "go.mod")], {
    cwd: directory,
    signal,
  });
  const text = workspaceModule(JSON.parse(stdout) as GoModFile, module);
  // Go adds to both files what it finds missing; what it found stays for the next time.
  if ((await readTextIfPresent(join(directory, "seed.mod"))) !== text) {
    const sums = await readTextIfPresent(join(module.directory, "go.sum"));
    await writeFileAtomic(join(directory, "go.sum"), sums ?? "");
    await writeFileAtomic(join(directory, "go.mod"), text);
    await writeFileAtomic(join(directory, "seed.mod"), text);
  }
  const temporary = join(directory, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await makeDirectory(temporary);
  return {
    directory,
    origin: module,
    environment: ({ cgo }) => ({
      CGO_ENABLED: cgo ? "1" : "0",
      GOOS: "linux",
      GOARCH: goArchitecture(),
      GOWORK: "off",
      GOFLAGS: "-buildvcs=false",
      // On the cache's disk: /tmp may be small, or memory, and linking Kubernetes takes a gigabyte.
      GOTMPDIR: temporary,
    }),
    async packagePath(build) {
      if (build.withoutImports) return copyCommand(directory, module, build.withoutImports);
      return build.package ? `${module.path}/${build.package}` : module.path;
    },
  };
}

/** `go mod edit -json`, as far as it is used (`go help mod edit`). */
export interface GoModFile {
  Go?: string;
  GoDebug?: { Key: string; Value: string }[] | null;
  Require?: { Path: string; Version: string }[] | null;
  Exclude?: { Path: string; Version: string }[] | null;
  Replace?: { Old: { Path: string; Version?: string }; New: { Path: string; Version?: string } }[] | null;
}

/**
 * The go.mod that requires a module and all that the module requires.
 *
 * A replacement by a directory (`./staging/src/k8s.io/api`) does not exist outside the module's repository. Where the
 * requirement is `v0.0.0`, as in Kubernetes, the directory is published as a module of its own at `v0.Y.Z` for `v1.Y.Z`
 * (kubernetes/publishing-bot); otherwise the required version itself is published, as etcd's are.
 */
export function workspaceModule(
  file: GoModFile,
  { path, version }: Pick<DownloadedModule, "path" | "version">,
): string {
  const replaced = file.Replace ?? [];
  const isLocal = (target: string) => target.startsWith("./") || target.startsWith("../");
  const local = new Set(replaced.filter(({ New }) => isLocal(New.Path)).map(({ Old }) => Old.Path));
  const published = version.replace(/^v1\./, "v0.");
  const staging: string[] = [];
  const required = (file.Require ?? []).map((requirement) => {
    if (requirement.Version !== "v0.0.0" || !local.has(requirement.Path)) return requirement;
    staging.push(requirement.Path);
    return { Path: requirement.Path, Version: published };
  });
  const lines = [
    "module slipway.build/workspace",
    ...(file.Go ? [`go ${file.Go}`] : []),
    ...(file.GoDebug ?? []).map(({ Key, Value }) => `godebug ${Key}=${Value}`),
    ...[...required, { Path: path, Version: version }].map(
      ({ Path, Version }) => `require ${Path} ${Version}`,
    ),
    ...(file.Exclude ?? []).map(({ Path, Version }) => `exclude ${Path} ${Version}`),
    ...staging.map((name) => `replace ${name} => ${name} ${published}`),
    ...replaced
      .filter(({ New }) => !isLocal(New.Path))
      .map(
        ({ Old, New }) =>
          `replace ${[Old.Path, Old.Version, "=>", New.Path, New.Version].filter(Boolean).join(" ")}`,
      ),
  ];
  return `${lines.join("\n")}\n`;
}

/** Copies a command of one file into the workspace without some of its imports. */
async function copyCommand(
  directory: string,
  module: DownloadedModule,
  { file, imports }: NonNullable<GoBuild["withoutImports"]>,
): Promise<string> {
  const source = await readFile(join(module.directory, file), "utf8");
  const command = module.path.split("/").at(-1)!;
  await makeDirectory(join(directory, command));
  await writeFileAtomic(join(directory, command, "main.go"), withoutImports(source, imports));
  return `slipway.build/workspace/${command}`;
}

/** @throws {SlipwayError} `INTERNAL` when an import is not there: the module is not the one that was meant. */
export function withoutImports(source: string, imports: readonly string[]): string {
  const lines = source.split("\n");
  for (const suffix of imports) {
    const at = lines.findIndex((line) => /^\s*_\s+"/.test(line) && line.trimEnd().endsWith(`${suffix}"`));
    if (at < 0) throw new SlipwayError("INTERNAL", `the source does not import …${suffix}`);
    lines.splice(at, 1);
  }
  return lines.join("\n");
}
