import { parse, YAMLError } from "yaml";

import { type ClusterSpec, type ConfigurableComponent, configurableComponents } from "./cluster-spec.js";
import {
  type ComponentOptions,
  componentOptions,
  isConfigField,
  isFlag,
  type JsonType,
} from "./component-options.js";
import { nearText, type ProblemCollector, shown, valueInvalid } from "./problems.js";
import type { ClusterForm } from "./schema.js";

type ExtraConfig = ClusterSpec["extraConfig"];

/** Values as text: what is not text already as JSON. */
export function resolveExtraConfig(form: NonNullable<ClusterForm["extraConfig"]>): ExtraConfig {
  const result: ExtraConfig = {};
  for (const component of configurableComponents) {
    const settings = Object.entries(form[component] ?? {});
    if (settings.length === 0) continue;
    result[component] = Object.fromEntries(settings.map(([key, value]) => [key, settingText(value)]));
  }
  return result;
}

/**
 * Checks that every key is a flag or a configuration field of its component, and every value something that it can hold.
 *
 * @param options of the Kubernetes version that the spec names.
 */
export function checkExtraConfig(
  extraConfig: NonNullable<ClusterForm["extraConfig"]>,
  options: Pick<ComponentOptions, "flags" | "fields">,
  problems: ProblemCollector,
): void {
  for (const component of configurableComponents) {
    const fields = options.fields[component] ?? {};
    for (const [key, value] of Object.entries(extraConfig[component] ?? {})) {
      const path = ["extraConfig", component, key];
      const type = isConfigField(options, component, key) ? fields[key] : undefined;
      if (value === null) problems.add(path, "is empty; write a value, or leave the key out");
      else if (type) problems.try(path, () => configFieldValue(key, settingText(value), type));
      else if (!isFlag(options, component, key)) {
        const near = nearText(key.replace(/^-+/, ""), [
          ...(options.flags[component] ?? []),
          ...Object.keys(fields),
        ]);
        problems.add(path, `${component} has no ${described(component)} ${shown(key)}${near}`);
      } else if (typeof value === "object") {
        problems.add(path, "is a flag: its value is a text, a number, true or false");
      }
    }
  }
}

const described = (component: ConfigurableComponent): string =>
  component === "kubelet" || component === "proxy" ? "flag or configuration field" : "flag";

const settingText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/**
 * The value of a field of KubeletConfiguration or KubeProxyConfiguration, from its text: YAML, in the type that the field has.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when it is of another type.
 */
export function configFieldValue(field: string, text: string, type: JsonType): unknown {
  if (type === "string") return text;
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    if (!(error instanceof YAMLError || error instanceof ReferenceError)) throw error;
    throw valueInvalid(`${shown(text)} is not YAML`);
  }
  if (!hasType(value, type))
    throw valueInvalid(`${shown(text)} is not ${typeNames[type]}, which ${field} needs`);
  return value;
}

const typeNames: Record<JsonType, string> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list, as [a, b]",
  object: "a map, as {a: b}",
};

function hasType(value: unknown, type: JsonType): boolean {
  switch (type) {
    case "integer":
      return Number.isSafeInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

/** Checks that the release has every gate, and that none is set against its lock. */
export function checkFeatureGates(
  gates: ClusterSpec["featureGates"],
  options: Pick<ComponentOptions, "gates">,
  version: string,
  problems: ProblemCollector,
): void {
  for (const [gate, value] of Object.entries(gates)) {
    if (!Object.hasOwn(options.gates, gate)) {
      problems.add(
        ["featureGates", gate],
        `Kubernetes ${version} has no such gate${nearText(gate, Object.keys(options.gates))}`,
      );
      continue;
    }
    const locked = options.gates[gate];
    if (typeof locked === "boolean" && locked !== value) {
      problems.add(["featureGates", gate], `Kubernetes ${version} has locked this gate to ${locked}`);
    }
  }
}

/** The gates of a spec that one component knows: it would refuse to start with others. */
export function featureGatesOf(spec: ClusterSpec, component: ConfigurableComponent): Record<string, boolean> {
  const only = componentOptions(spec.kubernetesVersion)?.gateComponents ?? {};
  return Object.fromEntries(
    Object.entries(spec.featureGates).filter(([gate]) => only[gate]?.includes(component) ?? true),
  );
}
