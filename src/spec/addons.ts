import { nearText, shown, valueInvalid } from "./problems.js";

interface Addon {
  /** What it does, in one line. */
  summary: string;
  /** On unless the user turns it off. */
  onByDefault: boolean;
}

/** The add-ons there are; names as minikube's. */
export const addons = {
  coredns: { summary: "DNS for Services and pods", onByDefault: true },
  "default-storageclass": { summary: "A StorageClass for claims that name none", onByDefault: true },
  "storage-provisioner": { summary: "PersistentVolumes from directories of the node", onByDefault: true },
  "metrics-server": {
    summary: "CPU and memory figures, for kubectl top and autoscaling",
    onByDefault: false,
  },
} as const satisfies Record<string, Addon>;

export const addonNames = Object.keys(addons) as (keyof typeof addons)[];

export const defaultAddons: readonly string[] = addonNames.filter((name) => addons[name].onByDefault);

/** @throws {SlipwayError} `CONFIG_INVALID` unless it is an add-on's name, with or without a leading `-`. */
export function checkAddon(choice: string): void {
  const name = choice.replace(/^-/, "");
  if (!addonNames.some((known) => known === name)) {
    const near = nearText(name, addonNames);
    throw valueInvalid(`there is no add-on ${shown(name)}${near || `; there are ${addonNames.join(", ")}`}`);
  }
}

/** The add-ons that are on after the choices: `name` turns one on, `-name` off. Sorted. */
export function chooseAddons(base: readonly string[], choices: readonly string[]): string[] {
  const on = new Set(base);
  for (const choice of choices) {
    if (choice.startsWith("-")) on.delete(choice.slice(1));
    else on.add(choice);
  }
  return [...on].sort();
}
