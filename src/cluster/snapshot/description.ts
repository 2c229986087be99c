import * as z from "zod";

/** How a snapshot may be called: it is the name of a file. */
const namePattern = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;

export const isSnapshotName = (name: string): boolean => namePattern.test(name) && name !== "latest";

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** What `etcdutl snapshot status --write-out json` says. */
export const etcdStatusSchema = z.object({
  hash: z.int(),
  revision: z.int(),
  totalKey: z.int(),
  totalSize: z.int(),
  /** Of the storage; absent before 3.6. */
  version: z.string().optional(),
});

export type EtcdStatus = z.output<typeof etcdStatusSchema>;

const descriptionSchema = z.object({
  version: z.literal(1),
  name: z.string().refine(isSnapshotName),
  /** RFC 3339. */
  takenAt: z.iso.datetime(),
  reason: z.enum(["asked", "schedule", "before-restore", "before-upgrade"]),
  node: z.string(),
  cluster: z.string(),
  kubernetesVersion: z.string(),
  etcdVersion: z.string(),
  sizeBytes: z.int().positive(),
  /** Of the file. */
  sha256: hex(64),
  etcd: etcdStatusSchema,
  /** SHA-256 of the cluster authority's certificate file. */
  caFingerprint: hex(64),
  /** Of the key that Secrets are encrypted with; the key itself is not in a snapshot. */
  encryptionKeyId: hex(16),
});

/**
 * What is kept beside a snapshot, as `NAME.json`: what it is, and of which cluster. Holds no secret. The schedule's script
 * writes the same (plan/snapshot-schedule.ts).
 */
export type SnapshotDescription = z.output<typeof descriptionSchema>;

/** Undefined for what is not a description: torn, edited, or of another version. */
export function parseDescription(text: string): SnapshotDescription | undefined {
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
