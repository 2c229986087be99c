import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { run } from "../../../src/base/run.js";
import { ensureComponents } from "../../../src/components/ensure.js";

/** Building it takes a minute or two, on a machine that is busy with other builds much longer. */
export const firstBuildMs = 30 * 60_000;

/** The real ignition, from the store; built on first use. */
export async function realIgnition(): Promise<string> {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const components = await ensureComponents([{ name: "ignition", version: "v2.24.0" }], {}, context);
  return components.get("ignition")!.path;
}

/**
 * Runs the real ignition's two stages on a root. It sees the host's file system read-only: a mount namespace of its own, in
 * which only `work` (which holds the root) can be written.
 */
export async function applyWithIgnition(
  ignition: string,
  config: string,
  { work, root }: { work: string; root: string },
): Promise<{ ok: boolean; log: string }> {
  const file = join(work, "config.ign");
  await writeFile(file, config);
  await mkdir(join(work, "no-system-config"), { recursive: true });
  const script = [
    'mount --bind "$1" "$1"',
    "mount -o remount,bind,ro /",
    "for stage in fetch-offline files; do",
    '  "$2" --platform=file --stage=$stage --root="$3" --config-cache="$1/cache.json" --neednet="$1/neednet" \\',
    '    --state-file="$1/state" --log-to-stdout',
    "done",
  ].join("\n");
  const { exitCode, stdout, stderr } = await run(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-ec", script, "sh", work, ignition, root],
    {
      allowFailure: true,
      env: { IGNITION_CONFIG_FILE: file, IGNITION_SYSTEM_CONFIG_DIR: join(work, "no-system-config") },
    },
  );
  return { ok: exitCode === 0, log: `${stdout}\n${stderr}` };
}
