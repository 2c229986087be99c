import type { Pod } from "../../kube/wire.js";

/** A Secret or ConfigMap that a pod uses, in its own namespace. */
export interface Reference {
  kind: "Secret" | "ConfigMap";
  name: string;
}

/** The data of the objects that a pod refers to, by `Secret/name`; those that do not exist are absent. */
export type ReferencedObjects = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

export const referenceKey = ({ kind, name }: Reference): string => `${kind}/${name}`;

/** Every Secret and ConfigMap that a static copy of the pod needs the data of, once each. Pure. */
export function referencesOf({ spec }: Pod): Reference[] {
  const found = new Map<string, Reference>();
  const add = (kind: Reference["kind"], name: string | undefined) => {
    if (name !== undefined && name !== "") found.set(`${kind}/${name}`, { kind, name });
  };
  for (const { secret, configMap, projected } of spec?.volumes ?? []) {
    add("Secret", secret?.secretName);
    add("ConfigMap", configMap?.name);
    for (const source of projected?.sources ?? []) {
      add("Secret", source.secret?.name);
      add("ConfigMap", source.configMap?.name);
    }
  }
  for (const { env, envFrom } of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    for (const { valueFrom } of env ?? []) {
      add("Secret", valueFrom?.secretKeyRef?.name);
      add("ConfigMap", valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom ?? []) {
      add("Secret", secretRef?.name);
      add("ConfigMap", configMapRef?.name);
    }
  }
  return [...found.values()];
}

/** The data of a Secret or ConfigMap as it travels. */
export function objectData(
  kind: Reference["kind"],
  object: { data?: Record<string, string>; binaryData?: Record<string, string> },
): Map<string, Buffer> {
  const encoded = Object.entries((kind === "Secret" ? object.data : object.binaryData) ?? {});
  const plain = Object.entries((kind === "ConfigMap" ? object.data : undefined) ?? {});
  return new Map([
    ...encoded.map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
    ...plain.map(([key, value]) => [key, Buffer.from(value, "utf8")] as const),
  ]);
}
