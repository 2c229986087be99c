import { SlipwayError } from "../base/errors.js";
import { didYouMean } from "../base/nearest.js";
import { catalog, findComponent, refOf, supportedKubernetesVersions } from "../components/catalog.js";
import type { ComponentRef } from "../components/component.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { operationFlags, type StartFlagValues, specFlags } from "../spec/flags.js";
import { resolveVersion } from "../spec/kubernetes-version.js";
import { startOptions } from "../spec/start-options.js";
import type { Cli } from "./cli.js";

/** Flags of the commands that get components, as start has them. */
export const sourceFlags = {
  "kubernetes-version": specFlags["kubernetes-version"],
  "binary-mirror": operationFlags["binary-mirror"],
  "image-repository": operationFlags["image-repository"],
} as const;

type SourceFlagValues = Pick<StartFlagValues, keyof typeof sourceFlags>;

/** Where components may come from, checked as start checks it. */
export function sourcesOf(flags: SourceFlagValues): { binaryMirror?: string; imageRepository?: string } {
  const { binaryMirror, imageRepository } = startOptions(flags);
  return {
    ...(binaryMirror === undefined ? {} : { binaryMirror }),
    ...(imageRepository === undefined ? {} : { imageRepository }),
  };
}

/** What a cluster needs that start would make with these flags: the one that -p names if there is it, else a new one. */
export async function componentsOfCluster(flags: ClusterFlagValues, cli: Cli): Promise<ComponentRef[]> {
  const { clusterComponents } = await import("../cluster/software.js");
  const { binaries, images } = clusterComponents(await specOfCluster(flags, cli));
  return [...binaries, ...images];
}

type ClusterFlagValues = Pick<StartFlagValues, "kubernetes-version" | "cni" | "addons" | "image">;

/** What that cluster is. */
export async function specOfCluster(flags: ClusterFlagValues, cli: Cli): Promise<ClusterSpec> {
  const [{ applyFlags }, { resolveProfile }] = await Promise.all([
    import("../spec/apply-flags.js"),
    import("../cluster/request.js"),
  ]);
  const { form, locate } = applyFlags(undefined, { ...flags, profile: cli.namedProfile });
  const { spec } = await resolveProfile(
    form,
    { locate, workingDirectory: cli.workingDirectory, fresh: cli.namedProfile === undefined },
    cli.context,
  );
  return spec;
}

/**
 * Components by what people write: `etcd`, or `etcd@v3.6.8`.
 *
 * @param kubernetesVersion `v1.36.3`, `1.36`; for those that have it and are named without a version
 * @throws {SlipwayError} `COMPONENT_UNKNOWN`; `CONFIG_INVALID` for a version that is not offered
 */
export function namedComponents(words: readonly string[], kubernetesVersion?: string): ComponentRef[] {
  const kubernetes =
    kubernetesVersion === undefined
      ? undefined
      : resolveVersion(kubernetesVersion, supportedKubernetesVersions);
  return words.map((word) => {
    const [name = "", version] = word.split("@");
    const names = catalog().map((entry) => entry.name);
    if (!names.includes(name)) {
      const near = didYouMean(name, names);
      throw new SlipwayError("COMPONENT_UNKNOWN", `there is no component ${name}${near ? `, ${near}` : ""}`, {
        hint: "slipway components list",
      });
    }
    if (version === undefined) return refOf(name, kubernetes);
    return { name, version: findComponent({ name, version }).version };
  });
}
