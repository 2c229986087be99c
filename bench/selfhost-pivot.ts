import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CallerKind, type CallReport, callApi } from "./api-callers.js";

/** Starts a self-hosted cluster while clients call its API every 10 ms, from the first answer to the end of the pivot. */
export async function pivotGap(
  profile: string,
  flags: string[],
  env: Record<string, string>,
): Promise<{ seconds: number; callers: Record<CallerKind, CallReport> }> {
  const kubeconfig = join(env.XDG_STATE_HOME!, "slipway/profiles", profile, "kubeconfig");
  const began = performance.now();
  const child = spawn(
    process.execPath,
    ["dist/cli/main.js", "start", "-p", profile, "--bootstrapper", "selfhosted", ...flags],
    { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] },
  );
  const ended = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  while (!existsSync(kubeconfig)) await new Promise((resolve) => setTimeout(resolve, 20));
  const callers = callApi(await readFile(kubeconfig, "utf8"));
  const exitCode = await ended;
  const seconds = (performance.now() - began) / 1000;
  const reports = await callers.stop();
  if (exitCode !== 0) throw new Error(`slipway start ended with ${exitCode}`);
  return { seconds, callers: reports };
}
