import { configurableComponents } from "./cluster-spec.js";
import { type StartFlag, type StartFlagValues, specFlags } from "./flags.js";
import { inspectForm } from "./form.js";
import type { LoadedForm } from "./load.js";
import { Overlay } from "./overlay.js";
import { nearText, problemsError, shown } from "./problems.js";
import type { ClusterForm } from "./schema.js";

/**
 * The form with the flags' values over it. A flag with one value replaces the file's, `--memory` and `--cpus` also those of
 * single nodes; `--nodes` cuts the file's list of nodes, or adds workers to it. A flag that can be repeated adds to the
 * file's list or map.
 *
 * @param loaded a file's form; undefined without a file.
 * @throws {SlipwayError} `USAGE` with every problem: `--memory: …`.
 */
export function applyFlags(loaded: LoadedForm | undefined, flags: StartFlagValues): LoadedForm {
  const overlay = new Overlay(loaded?.form, loaded?.locate);
  if (flags.profile !== undefined) overlay.put(["metadata", "name"], "profile", flags.profile);
  for (const [flag, { type, field }] of Object.entries(specFlags) as [keyof typeof specFlags, StartFlag][]) {
    const value = flags[flag];
    if (value === undefined || field === undefined) continue;
    const special = specialFlags[flag];
    if (special) special(overlay, value as never);
    else if (type === "strings")
      overlay.append(field.split("."), flag, separated(value as readonly string[]));
    else overlay.put(field.split("."), flag, value);
  }
  const { form, problems } = inspectForm(overlay.form, overlay.locate);
  const all = [...overlay.problems, ...problems];
  if (form === undefined || all.length > 0) throw problemsError(all);
  return { form, locate: overlay.locate };
}

/** The flags that are more than a value to put or to append. */
const specialFlags: Partial<Record<keyof typeof specFlags, (overlay: Overlay, value: never) => void>> = {
  nodes: (overlay, count: number) => overlay.put(["nodes"], "nodes", nodesOf(overlay.form.nodes, count)),
  memory: (overlay, value: string) => putForAllNodes(overlay, "memory", value),
  cpus: (overlay, value: string) => putForAllNodes(overlay, "cpus", value),
  mount: (overlay, mounts: readonly string[]) => overlay.append(["mounts"], "mount", mounts), // paths may hold commas
  "extra-config": (overlay, settings: readonly string[]) => {
    for (const setting of settings) putExtraConfig(overlay, setting);
  },
  "feature-gates": (overlay, gates: readonly string[]) => {
    for (const gate of separated(gates)) putFeatureGate(overlay, gate);
  },
};

/** The values of a flag that may be repeated, or given with commas. */
const separated = (values: readonly string[]): string[] =>
  values
    .flatMap((value) => value.split(","))
    .map((value) => value.trim())
    .filter((value) => value !== "");

function nodesOf(nodes: ClusterForm["nodes"], count: number): ClusterForm["nodes"] {
  if (!Array.isArray(nodes) || !Number.isInteger(count) || count < 1 || count > 1000) return count;
  return Array.from({ length: count }, (_, i) => nodes[i] ?? {});
}

function putForAllNodes(overlay: Overlay, key: "memory" | "cpus", value: string): void {
  const { nodes } = overlay.form;
  if (Array.isArray(nodes)) overlay.form.nodes = nodes.map(({ [key]: _, ...node }) => node);
  overlay.put([key], key, value);
}

function putExtraConfig(overlay: Overlay, setting: string): void {
  const [, component, key, value] = /^([^.=]+)\.([A-Za-z][^=]*)=(.*)$/s.exec(setting) ?? [];
  const list = configurableComponents.join(", ");
  if (component === undefined) {
    overlay.refuse("extra-config", `${shown(setting)} is not component.key=value, as kubelet.max-pods=50`);
  } else if (!configurableComponents.some((name) => name === component)) {
    const near = nearText(component, configurableComponents) || `; there are ${list}`;
    overlay.refuse("extra-config", `there is no component ${shown(component)}${near}`);
  } else {
    overlay.put(["extraConfig", component, key!], "extra-config", value);
  }
}

function putFeatureGate(overlay: Overlay, gate: string): void {
  const [, name, value] = /^([A-Za-z]\w*)=(true|false)$/.exec(gate) ?? [];
  if (name === undefined) overlay.refuse("feature-gates", `${shown(gate)} is not Gate=true or Gate=false`);
  else overlay.put(["featureGates", name], "feature-gates", value === "true");
}
