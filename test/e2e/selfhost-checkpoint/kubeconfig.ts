import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../../../src/kube/wire.js";
import { clusterKubeconfig } from "../../../src/pki/kubeconfig.js";
import { checkpointerObjects, checkpointerUser } from "../../../src/plan/selfhosted/checkpointer.js";
import type { ControlPlane } from "../kube/control-plane.js";

/** Writes the checkpointer's kubeconfig for a control plane of processes, and gives back its path. */
export async function writeKubeconfig(controlPlane: ControlPlane): Promise<string> {
  const { server, caPem, certificatePem, privateKeyPem } = controlPlane.credentialsFor(checkpointerUser);
  const { text } = clusterKubeconfig({
    cluster: "test",
    server,
    caPem,
    user: checkpointerUser,
    certificatePem: certificatePem!,
    privateKeyPem: privateKeyPem!,
    contextName: "test",
  });
  const path = join(controlPlane.directory, "checkpointer.conf");
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** What the checkpointer's user may do. */
export const rights = (): Manifest[] =>
  checkpointerObjects().filter(({ kind }) => kind === "Role" || kind === "RoleBinding") as Manifest[];
