import { places } from "../plan/places.js";
import { checkpointOfAnnotation } from "../plan/selfhosted/checkpointer.js";
import type { ControlPlaneHost } from "./control-plane-host.js";

type Exec = Pick<ControlPlaneHost, "exec">;

/** The kubelet ends what runs of checkpoints. */
export async function endCopies({ exec }: Exec, signal: AbortSignal): Promise<void> {
  const script = `grep -lsr ${checkpointOfAnnotation} ${places.manifests} | xargs -r rm -f`;
  await exec(["/bin/sh", "-c", script], { signal });
}

/** Takes every checkpoint off a node's disk. The checkpointer's own copy writes them as long as it runs, and finds an API. */
export async function removeCopies({ exec }: Exec, signal: AbortSignal): Promise<void> {
  const { kubernetes } = places;
  const directories = ["inactive-manifests", "checkpoint-secrets", "checkpoint-configmaps"];
  await exec(["rm", "-rf", ...directories.map((name) => `${kubernetes}/${name}`)], { signal });
}
