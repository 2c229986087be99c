import type { ClusterSpec, ConfigurableComponent } from "../spec/cluster-spec.js";
import { componentOptions, isConfigField } from "../spec/component-options.js";
import { configFieldValue, featureGatesOf } from "../spec/extra-config.js";

/**
 * The flags of a component, without the leading dashes. A list becomes one comma-separated value; booleans are spelled
 * out, as upstream's manifests have them.
 */
export type Flags = Record<string, string | number | boolean | string[]>;

/** `/usr/local/bin/x` and its flags in alphabetical order, one element an argument. */
export function commandLine(program: string, flags: Flags): string[] {
  return [
    program,
    ...Object.keys(flags)
      .sort()
      .map((name) => {
        const value = flags[name];
        return `--${name}=${Array.isArray(value) ? value.join(",") : value}`;
      }),
  ];
}

/** `A=true,B=false`, sorted; undefined when there are none. */
export function featureGateFlag(gates: Record<string, boolean>): string | undefined {
  const names = Object.keys(gates).sort();
  return names.length === 0 ? undefined : names.map((name) => `${name}=${gates[name]}`).join(",");
}

/**
 * Parts `--extra-config` of a component that has a configuration file: what its configuration has as a field
 * (`maxPods`), and its flags.
 */
export function splitExtraConfig(
  spec: ClusterSpec,
  component: ConfigurableComponent,
): { flags: Record<string, string>; fields: Record<string, unknown> } {
  const options = componentOptions(spec.kubernetesVersion);
  const flags: Record<string, string> = {};
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(spec.extraConfig[component] ?? {})) {
    const type =
      options && isConfigField(options, component, key) ? options.fields[component]?.[key] : undefined;
    if (type) fields[key] = configFieldValue(key, value, type);
    else flags[key] = value;
  }
  return { flags, fields };
}

/** Flags with the user's own over them (`--extra-config`), and the feature gates. */
export function withOverrides(
  flags: Flags,
  extra: Record<string, string> | undefined,
  gates: Record<string, boolean> = {},
): Flags {
  const featureGates = featureGateFlag(gates);
  return { ...flags, ...(featureGates ? { "feature-gates": featureGates } : {}), ...extra };
}

/** `featureGates` of a configuration file, for the gates that the component knows. */
export function gatesField(
  spec: ClusterSpec,
  component: ConfigurableComponent,
): { featureGates?: Record<string, boolean> } {
  const featureGates = featureGatesOf(spec, component);
  return Object.keys(featureGates).length > 0 ? { featureGates } : {};
}
