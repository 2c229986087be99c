import type { Context } from "../base/context.js";
import { writeFileAtomic } from "../base/files.js";
import { breakGlass } from "../plan/certificates.js";
import type { Material } from "../plan/material.js";
import { profilePaths } from "./profile.js";

/** Writes the profile's own kubeconfigs as the material has them: the administrator's, and the one for emergencies. */
export async function writeKubeconfigs(name: string, material: Material, context: Context): Promise<void> {
  const paths = profilePaths(name, context);
  const secret = { mode: 0o600, ...context.owner };
  await writeFileAtomic(paths.kubeconfig, material.get("kubeconfig/admin")!, secret);
  await writeFileAtomic(paths.breakGlass, material.get(`kubeconfig/${breakGlass}`)!, secret);
}
