import { systemClock } from "../../base/clock.js";
import { type Condition, met, unmet, type WaitOptions, waitFor } from "../../base/condition.js";
import type { BootstrapPod } from "../../plan/selfhosted/bootstrap.js";
import { bootstrapSecretsPath } from "../../plan/selfhosted/bootstrap.js";
import type { ControlPlaneHost } from "../control-plane-host.js";

/** The bootstrap control plane's manifests that a node still has, by file name. */
export async function bootstrapManifests(host: ControlPlaneHost, signal: AbortSignal): Promise<string[]> {
  const { stdout } = await host.exec(
    ["find", host.manifests, "-maxdepth", "1", "-name", "bootstrap-*.yaml", "-printf", "%f\\n"],
    { signal, allowFailure: true },
  );
  return stdout.split("\n").filter((name) => name !== "");
}

/** Longer than an API server takes to end in order. */
const forgottenAfterMs = 20_000;

/**
 * Takes a static pod away and waits until nothing listens on its port: its process has ended. A kubelet that has just begun
 * passes over the removal for minutes (`deletePod` in pkg/kubelet/kubelet.go, while its sources are not ready): it is shown the
 * manifest again, and that it goes.
 */
export async function endBootstrapPod(
  host: ControlPlaneHost,
  { file, pod }: Pick<BootstrapPod, "file" | "pod">,
  port: number,
  wait: WaitOptions & { signal: AbortSignal },
): Promise<void> {
  const clock = wait.clock ?? systemClock;
  // The kubelet passes over names that begin with a dot.
  const places = [`${host.manifests}/${file}`, `${host.manifests}/.${file}.ended`];
  const shell = (script: string) =>
    host.exec(["/bin/sh", "-c", script, "sh", ...places], { signal: wait.signal });
  await shell('[ ! -e "$1" ] || mv -f "$1" "$2"');
  const ended = nobodyListens(pod.metadata.name, `:${port}`);
  let removedMs = clock.monotonicMs();
  const told: Condition<ControlPlaneHost> = {
    name: ended.name,
    async check(target, options) {
      const seen = await ended.check(target, options);
      if (seen.met || clock.monotonicMs() - removedMs < forgottenAfterMs) return seen;
      await shell(
        '[ ! -e "$2" ] || { cp -p "$2" "$2.again" && mv -f "$2.again" "$1" && sleep 1 && rm -f "$1"; }',
      );
      removedMs = clock.monotonicMs();
      return seen;
    },
  };
  await waitFor(told, host, { ...wait, intervalMs: 100 });
  await shell('rm -f "$2"');
}

/** @param socket `10.77.0.2:6443`; without an address, on any of the node's */
export const nobodyListens = (program: string, socket: string): Condition<ControlPlaneHost> => ({
  name: `${program} has ended`,
  check: async ({ exec }, { signal }) => {
    const { stdout } = await exec(["ss", "-Hltn", "src", socket], { signal });
    return stdout.trim() === "" ? met() : unmet(`something listens on ${socket}`);
  },
});

/** Whether the files that the bootstrap control plane reads are still there: they go last. */
export async function hasBootstrapSecrets(host: ControlPlaneHost, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await host.exec(["test", "-e", bootstrapSecretsPath], { signal, allowFailure: true });
  return exitCode === 0;
}

/** What the bootstrap control plane read; nobody reads it any more. */
export async function removeBootstrapSecrets(host: ControlPlaneHost, signal: AbortSignal): Promise<void> {
  await host.exec(["rm", "-rf", bootstrapSecretsPath], { signal });
}
