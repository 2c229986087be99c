import { createHash } from "node:crypto";
import { parse, stringify } from "yaml";
import type { KubeObject } from "../../plan/kube-object.js";

/** On a static pod of ours: which files it reads. Other files make it another pod, which its kubelet starts anew. */
const filesAnnotation = "slipway.dev/bootstrap-files";

/** A bootstrap pod as it goes into the kubelet's directory. Pure. */
export function placedManifest(
  pod: KubeObject,
  component: string,
  secrets: ReadonlyMap<string, string>,
): string {
  const digest = createHash("sha256");
  for (const [path, text] of [...secrets].sort()) {
    if (path.startsWith(`${component}/`)) digest.update(`${path}\0${text}\0`);
  }
  const annotations = { ...pod.metadata.annotations, [filesAnnotation]: digest.digest("hex") };
  return stringify({ ...pod, metadata: { ...pod.metadata, annotations } });
}

/** Whether a manifest in the kubelet's directory was put there by an earlier start. */
export function isPlacedByUs(text: string, { kind, metadata: { name } }: KubeObject): boolean {
  try {
    const found = parse(text, { logLevel: "silent" }) as KubeObject | null;
    return (
      found?.kind === kind &&
      found.metadata.name === name &&
      found.metadata.annotations?.[filesAnnotation] !== undefined
    );
  } catch {
    return false;
  }
}
