import { readFile } from "node:fs/promises";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { applyObjects, deleteObjects } from "../kube/apply.js";
import { connect } from "../kube/client.js";
import { deploymentAvailable } from "../kube/conditions.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import { waitForObjects } from "../kube/wait.js";
import { type Addon, addons, findAddon } from "../plan/addons/addons.js";
import { planCluster } from "../plan/plan.js";
import { sealObjects } from "../plan/secrets.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { importImages } from "./images.js";
import { ensureMaterial } from "./material.js";
import { runOperation, type Step, skip } from "./operation.js";
import {
  lockProfile,
  loggedContext,
  type Profile,
  profileJournal,
  profilePaths,
  readProfile,
  writeProfile,
} from "./profile.js";
import { type ComponentOptions, ensureImages } from "./software.js";

export interface AddonStatus {
  name: string;
  enabled: boolean;
  summary: string;
}

export async function listAddons(name: string, context: Context): Promise<AddonStatus[]> {
  const { spec } = await readProfile(name, context);
  return addons.map((addon) => ({
    name: addon.name,
    enabled: spec.addons.includes(addon.name),
    summary: addon.summary,
  }));
}

interface AddonState {
  profile: Profile;
  addon: Addon;
  components: ComponentOptions;
  waitTimeoutMs: number;
}

/** Turns an add-on on: in the profile, and at once in the running cluster. */
export const enableAddon = (
  name: string,
  addon: string,
  components: ComponentOptions,
  context: Context,
): Promise<void> => changeAddon("enable", enableSteps, name, addon, components, context);

/** Turns an add-on off and removes its objects. */
export const disableAddon = (name: string, addon: string, context: Context): Promise<void> =>
  changeAddon("disable", disableSteps, name, addon, {}, context);

async function changeAddon(
  verb: "enable" | "disable",
  steps: Step<AddonState>[],
  name: string,
  addonName: string,
  components: ComponentOptions,
  context: Context,
): Promise<void> {
  const addon = findAddon(addonName);
  if (!addon) {
    throw new SlipwayError("ADDON_UNKNOWN", `there is no add-on "${addonName}"`, {
      hint: `there are: ${addons.map((known) => known.name).join(", ")}`,
    });
  }
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  await runOperation(
    `addon-${verb} ${addonName}`,
    steps,
    { profile, addon, components, waitTimeoutMs: 120_000 },
    { journal: profileJournal(name, context), context: loggedContext(name, context) },
  );
}

const bringImages: Step<AddonState> = {
  id: "bring-images",
  title: "Images",
  async run({ profile, addon, components }, context) {
    if (addon.images.length === 0) return skip("none needed");
    const images = await ensureImages(addon.images, profile.spec, components, context);
    await importImages(
      profile.spec.metadata.name,
      images.map(({ path }) => path),
      context,
    );
    return images.map(({ image }) => image).join(", ");
  },
};

const withoutAddon = (spec: ClusterSpec, { name }: Addon): ClusterSpec => ({
  ...spec,
  addons: spec.addons.filter((other) => other !== name),
});

const withAddon = (spec: ClusterSpec, addon: Addon): ClusterSpec => ({
  ...spec,
  addons: [...withoutAddon(spec, addon).addons, addon.name],
});

const noteInProfile = (enabled: boolean): Step<AddonState> => ({
  id: "note-in-profile",
  title: "Profile",
  async run({ profile, addon }, context) {
    const spec = (enabled ? withAddon : withoutAddon)(profile.spec, addon);
    await writeProfile(context, { ...profile, spec });
    return undefined;
  },
});

const applyAddon: Step<AddonState> = {
  id: "apply-objects",
  title: "Objects",
  async run({ profile, addon, waitTimeoutMs }, context) {
    await using client = await adminClient(profile, context);
    // The plan as it will be: an add-on may have a certificate.
    const plan = planCluster(withAddon(profile.spec, addon), profile.facts);
    const { pki } = profilePaths(plan.spec.metadata.name, context);
    const material = await ensureMaterial(plan, pki, context);
    const objects = addon.objects(plan.spec, profile.facts);
    await applyObjects(client, sealObjects(objects, material), { signal: context.signal });
    for (const deployment of addon.deployments) {
      await waitForObjects(deploymentAvailable("kube-system", deployment), client, {
        timeoutMs: waitTimeoutMs,
        signal: context.signal,
        events: context.events,
        code: "ADDON_NOT_READY",
      });
    }
    return undefined;
  },
};

const removeAddon: Step<AddonState> = {
  id: "delete-objects",
  title: "Objects",
  async run({ profile, addon }, context) {
    await using client = await adminClient(profile, context);
    await deleteObjects(client, addon.objects(profile.spec, profile.facts), { signal: context.signal });
    return undefined;
  },
};

const enableSteps = [bringImages, applyAddon, noteInProfile(true)];
const disableSteps = [removeAddon, noteInProfile(false)];

const adminClient = async ({ spec }: Profile, context: Context) =>
  connect(
    credentialsFromKubeconfig(await readFile(profilePaths(spec.metadata.name, context).kubeconfig, "utf8")),
  );
