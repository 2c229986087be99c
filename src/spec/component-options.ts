import type { ConfigurableComponent } from "./cluster-spec.js";
import data from "./component-flags.json" with { type: "json" };
import { minorOf } from "./kubernetes-version.js";

export type JsonType = "string" | "integer" | "number" | "boolean" | "array" | "object";

/** What a release's components can be told. Written by scripts/component-flags.mjs from the components themselves. */
export interface ComponentOptions {
  /** Names of the flags, without the dashes; of components whose binaries were looked at. */
  flags: Partial<Record<ConfigurableComponent, readonly string[]>>;
  /** Fields of KubeletConfiguration (v1beta1) and KubeProxyConfiguration (v1alpha1), and their types in JSON. */
  fields: Partial<Record<ConfigurableComponent, Readonly<Record<string, JsonType>>>>;
  /** Feature gates; a value is what the gate is locked to. */
  gates: Readonly<Record<string, boolean | null>>;
  /** Those gates that only some components know; the others refuse to start with them. */
  gateComponents: Readonly<Record<string, readonly string[]>>;
}

type Release = Omit<ComponentOptions, "flags"> & Partial<Pick<ComponentOptions, "flags">>;

const releases: Record<string, Release> = data.kubernetes as unknown as Record<string, Release>;

/** The options of a Kubernetes version's components; undefined for a release that was not looked at. */
export function componentOptions(kubernetesVersion: string): ComponentOptions | undefined {
  const release = releases[minorOf(kubernetesVersion)];
  return release && { ...release, flags: { ...release.flags, etcd: data.etcd } };
}

/** Whether the component has such a flag. Where its flags are not known: whether it could be one. */
export function isFlag(
  options: Pick<ComponentOptions, "flags">,
  component: ConfigurableComponent,
  name: string,
): boolean {
  return options.flags[component]?.includes(name) ?? /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);
}

/** Whether a configuration field of the component is meant. A name that is both (`port`, `address`) is the flag. */
export const isConfigField = (
  options: Pick<ComponentOptions, "flags" | "fields">,
  component: ConfigurableComponent,
  name: string,
): boolean =>
  Object.hasOwn(options.fields[component] ?? {}, name) && !options.flags[component]?.includes(name);
