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

/** Takes a static pod away and waits until nothing listens on its port: its process has ended. */
export async function endBootstrapPod(
  host: ControlPlaneHost,
  { file, pod }: Pick<BootstrapPod, "file" | "pod">,
  port: number,
  wait: WaitOptions & { signal: AbortSignal },
): Promise<void> {
  await host.exec(["rm", "-f", `${host.manifests}/${file}`], { signal: wait.signal });
  await waitFor(nobodyListens(pod.metadata.name, `:${port}`), host, { ...wait, intervalMs: 100 });
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
