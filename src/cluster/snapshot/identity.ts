import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { encryptionKeyId } from "../../plan/policy.js";
import { profilePaths } from "../profile.js";
import type { SnapshotDescription } from "./description.js";

/** By what a cluster is told from others, without any secret of it. */
export type ClusterIdentity = Pick<SnapshotDescription, "caFingerprint" | "encryptionKeyId">;

/** Of a cluster that was started once. */
export async function readIdentity(name: string, context: Context): Promise<ClusterIdentity> {
  const { pki } = profilePaths(name, context);
  const [ca, key] = await Promise.all(
    ["ca.crt", "encryption.key"].map((file) =>
      readFile(join(pki, file), "utf8").catch((cause: unknown) => {
        throw new SlipwayError("CERTIFICATE_INVALID", `cluster ${name} has no ${file}`, {
          hint: `a cluster that was never started has nothing to snapshot or restore: slipway start -p ${name}`,
          cause,
        });
      }),
    ),
  );
  return {
    caFingerprint: createHash("sha256").update(ca!).digest("hex"),
    encryptionKeyId: encryptionKeyId(key!),
  };
}

/**
 * Refuses a snapshot of another cluster: every certificate, token and Secret in it would be another's.
 *
 * @throws {SlipwayError} `SNAPSHOT_INVALID` saying what is different.
 */
export function refuseForeign(
  description: SnapshotDescription,
  name: string,
  { caFingerprint, encryptionKeyId }: ClusterIdentity,
): void {
  const otherAuthority = description.caFingerprint !== caFingerprint;
  if (!otherAuthority && description.encryptionKeyId === encryptionKeyId) return;
  const why = otherAuthority
    ? "it was taken under another authority"
    : "its Secrets are encrypted with another key, and nobody here could read them";
  throw new SlipwayError(
    "SNAPSHOT_INVALID",
    `the snapshot ${description.name} is not of this cluster ${name}: ${why}`,
    {
      hint: `restore it into the cluster that it is of, or choose one of: slipway snapshot list -p ${name}`,
      details: {
        "taken of": `${description.cluster}, ${description.takenAt}`,
        authority: `${description.caFingerprint.slice(0, 16)}, here ${caFingerprint.slice(0, 16)}`,
        "encryption key": `${description.encryptionKeyId}, here ${encryptionKeyId}`,
      },
    },
  );
}
