import { availableParallelism, freemem } from "node:os";
import { run } from "../../base/run.js";
import type { GoBuild } from "../catalog-entry.js";
import type { Progress } from "../progress.js";
import { goFailure } from "./go-tool.js";
import type { GoWorkspace } from "./go-workspace.js";

const tagFlags = ({ tags }: GoBuild) => (tags?.length ? ["-tags", tags.join(",")] : []);

/** What each command is made of, itself included; gets whatever source is missing. */
export async function listDependencies(
  workspace: GoWorkspace,
  packages: readonly string[],
  build: GoBuild,
  { signal, onDownload }: { signal: AbortSignal; onDownload: (module: string) => void },
): Promise<Map<string, Set<string>>> {
  const args = [
    "list",
    "-mod=mod",
    ...tagFlags(build),
    "-f",
    "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}",
    ...packages,
  ];
  const { stdout } = await run("go", args, {
    cwd: workspace.directory,
    env: workspace.environment(build),
    signal,
    onLine: (line) => {
      const module = /^go: downloading (\S+)/.exec(line)?.[1];
      if (module !== undefined) onDownload(module);
    },
  }).catch((error: unknown) => {
    throw goFailure(error, `the source of ${build.module} could not be got whole`);
  });
  return new Map(
    stdout.split("\n").map((line) => {
      const parts = line.split(" ");
      return [parts[0]!, new Set(parts)];
    }),
  );
}

/** A command to build, and where its progress is told. */
export interface Target {
  path: string;
  dependencies: Set<string>;
  bar: Progress;
}

/** Builds and links all the commands into a directory. */
export async function compile(
  workspace: GoWorkspace,
  build: GoBuild,
  ldflags: string,
  out: string,
  targets: readonly Target[],
  signal: AbortSignal,
): Promise<void> {
  const done = targets.map(() => 0);
  const count = (importPath: string) => {
    for (const [i, { dependencies, bar }] of targets.entries()) {
      if (!dependencies.has(importPath)) continue;
      done[i] = (done[i] ?? 0) + 1;
      bar.update(done[i] ?? 0, dependencies.size);
    }
  };
  for (const { bar, dependencies } of targets) bar.update(0, dependencies.size);
  const args = ["build", "-mod=mod", "-v", "-trimpath", "-p", String(parallelCompiles()), ...tagFlags(build)];
  await run("go", [...args, "-ldflags", ldflags, "-o", `${out}/`, ...targets.map(({ path }) => path)], {
    cwd: workspace.directory,
    env: workspace.environment(build),
    signal,
    // -v names each package as it is compiled; what Go's cache has is not named.
    onLine: (line, stream) => {
      if (stream === "stderr") count(line);
    },
  }).catch((error: unknown) => {
    throw goFailure(error, `${build.module} did not compile`);
  });
}

/** A compile or link takes up to 1.5 GB. */
function parallelCompiles(): number {
  const byMemory = Math.floor(freemem() / (1.5 * 1024 ** 3));
  return Math.max(1, Math.min(availableParallelism(), byMemory));
}

/** How many groups to build at once: each is parallel in itself, but its links at the end are not. */
export function parallelBuilds(): number {
  return Math.max(
    1,
    Math.min(Math.floor(availableParallelism() / 4), Math.floor(freemem() / (6 * 1024 ** 3))),
  );
}

/** What `go build -o DIR/` names a command: the last path element that is not a major version (cmd/go, DefaultExecName). */
export function executableName(importPath: string): string {
  const parts = importPath.split("/");
  const last = parts.at(-1) ?? "";
  return /^v[2-9]\d*$|^v1\d+$/.test(last) && parts.length > 1 ? parts.at(-2)! : last;
}
