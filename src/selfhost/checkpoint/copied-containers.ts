import type { Pod } from "../../kube/wire.js";
import type { CopiedVolumes } from "./copied-volumes.js";
import { type Reference, type ReferencedObjects, referenceKey } from "./references.js";

type PodSpec = NonNullable<Pod["spec"]>;
type Container = PodSpec["containers"][number];
type EnvVar = NonNullable<Container["env"]>[number];
type EnvFrom = NonNullable<Container["envFrom"]>[number];
type Probe = NonNullable<Container["livenessProbe"]>;

export interface CopiedContainers {
  containers: Container[];
  initContainers: Container[];
  refusals: string[];
}

interface CopyOptions {
  /** The pod is on the pod network, its copy is not. */
  forcedHostNetwork: boolean;
  isSelf: boolean;
}

/** A pod's containers as a static pod may have them. Pure. */
export function copiedContainers(
  spec: PodSpec,
  { readOnly }: CopiedVolumes,
  objects: ReferencedObjects,
  options: CopyOptions,
): CopiedContainers {
  const refusals: string[] = [];
  // A program that takes the pod's address may listen there alone.
  const probeHost = options.forcedHostNetwork && !takesPodAddress(spec) ? "127.0.0.1" : undefined;
  const copied = (container: Container): Container => {
    const copy = structuredClone(container);
    const env = resolvedEnv(container, objects, refusals);
    delete copy.envFrom;
    delete copy.env;
    if (env.length > 0) copy.env = env;
    for (const mount of copy.volumeMounts ?? []) if (readOnly.has(mount.name)) mount.readOnly = true;
    for (const probe of [copy.livenessProbe, copy.readinessProbe, copy.startupProbe]) {
      if (probe) adaptProbe(probe, container, probeHost);
    }
    for (const handler of [copy.lifecycle?.postStart, copy.lifecycle?.preStop]) {
      if (handler) adaptProbe(handler, container, undefined);
    }
    // The two instances of the checkpointer share the node's network, and the port is that of the DaemonSet's.
    if (options.isSelf) {
      delete copy.livenessProbe;
      delete copy.readinessProbe;
      delete copy.startupProbe;
    }
    // On the node's network they only say what is in use: to a kubelet that still knows the original pod, a conflict for
    // which it refuses the copy, once and for all (GeneralPredicates, NodePorts).
    delete copy.ports;
    return copy;
  };
  return {
    containers: spec.containers.map(copied),
    initContainers: (spec.initContainers ?? []).map(copied),
    refusals,
  };
}

const takesPodAddress = ({ containers }: PodSpec): boolean =>
  containers.some(({ env }) =>
    env?.some(({ valueFrom }) => valueFrom?.fieldRef?.fieldPath.startsWith("status.podIP")),
  );

/** Ports by number, because their names go; the address where a copy on the node's network listens. */
function adaptProbe(
  probe: Pick<Probe, "httpGet" | "tcpSocket">,
  { ports }: Container,
  host: string | undefined,
): void {
  for (const action of [probe.httpGet, probe.tcpSocket]) {
    if (!action) continue;
    const named = ports?.find(({ name }) => name !== undefined && name === String(action.port));
    if (named) action.port = named.containerPort;
    if (host !== undefined && action.host === undefined) action.host = host;
  }
}

/** The environment with all values that come from API objects filled in, as the kubelet does it. */
function resolvedEnv(container: Container, objects: ReferencedObjects, refusals: string[]): EnvVar[] {
  const where = `its container ${container.name}`;
  const fromObjects = (container.envFrom ?? []).flatMap((source) => {
    const { values, refusal } = allOf(source, objects);
    if (refusal !== undefined) refusals.push(`${where}: ${refusal}`);
    return values;
  });
  const own = (container.env ?? []).flatMap((variable): EnvVar[] => {
    const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
    const key = secretKeyRef ?? configMapKeyRef;
    if (key === undefined) return [structuredClone(variable)];
    const reference: Reference = { kind: secretKeyRef ? "Secret" : "ConfigMap", name: key.name ?? "" };
    const value = objects.get(referenceKey(reference))?.get(key.key);
    if (value !== undefined) return [{ name: variable.name, value: literal(value) }];
    if (!key.optional) {
      refusals.push(
        `${where}: ${reference.kind} ${reference.name} with the key ${key.key} for ${variable.name} does not exist`,
      );
    }
    return [];
  });
  // Of a name that is there twice, the last one counts: `env` over `envFrom`, a later source over an earlier one.
  const ownNames = new Set(own.map(({ name }) => name));
  return [...fromObjects.filter(({ name }) => !ownNames.has(name)), ...own];
}

function allOf(
  { prefix = "", secretRef, configMapRef }: EnvFrom,
  objects: ReferencedObjects,
): { values: EnvVar[]; refusal?: string } {
  const source = secretRef ?? configMapRef;
  if (source === undefined) return { values: [], refusal: "envFrom has an unknown source" };
  const reference: Reference = { kind: secretRef ? "Secret" : "ConfigMap", name: source.name ?? "" };
  const data = objects.get(referenceKey(reference));
  if (data === undefined) {
    return source.optional
      ? { values: [] }
      : { values: [], refusal: `${reference.kind} ${reference.name} for envFrom does not exist` };
  }
  return {
    values: [...data]
      .map(([key, value]) => ({ name: prefix + key, value: literal(value) }))
      .filter(({ name }) => isVariableName(name)),
  };
}

/** Kubelets leave out keys that cannot be names (validation.IsRelaxedEnvVarName). */
const isVariableName = (name: string): boolean => /^[ -<>-~]+$/.test(name);

/** `$(NAME)` in a value is expanded by the kubelet, but not in one that comes from an object; `$$` stands for `$`. */
const literal = (value: Buffer): string => value.toString("utf8").replaceAll("$", "$$$$");
