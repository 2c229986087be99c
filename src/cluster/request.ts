import { cpus, totalmem } from "node:os";
import type { Context } from "../base/context.js";
import { defaultKubernetesVersion, supportedKubernetesVersions } from "../components/catalog.js";
import { takenSubnets } from "../net/interfaces.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { Locate } from "../spec/problems.js";
import { defaultProfile, resolveSpec } from "../spec/resolve.js";
import type { ClusterForm } from "../spec/schema.js";
import { readPlatformFacts } from "./facts.js";
import { findProfile, type Profile, profileNames } from "./profile.js";

/**
 * The profile that a form asks for: its gaps filled from the profile that exists, from the host and from the defaults.
 * Reads the host, and writes nothing.
 *
 * @param fresh as if there were no such profile yet
 * @throws {SlipwayError} as `resolveSpec`
 */
export async function resolveProfile(
  form: ClusterForm,
  { locate, workingDirectory, fresh = false }: { locate?: Locate; workingDirectory: string; fresh?: boolean },
  context: Context,
): Promise<Profile> {
  const name = form.metadata?.name ?? defaultProfile;
  const existing = fresh ? undefined : await findProfile(name, context);
  const [facts, host, others] = await Promise.all([
    readPlatformFacts(),
    takenSubnets(),
    otherSubnets(name, context),
  ]);
  const spec = resolveSpec(
    form,
    {
      supportedVersions: supportedKubernetesVersions,
      defaultVersion: defaultKubernetesVersion,
      takenSubnets: [...host, ...others],
      hostMemoryBytes: totalmem(),
      hostCpus: cpus().length,
      workingDirectory,
      ...(existing ? { existing: existing.spec } : {}),
    },
    locate,
  );
  return { version: 1, createdAt: existing?.createdAt ?? context.clock.now().toISOString(), spec, facts };
}

/** Subnets of the other profiles: also of those whose network is down. */
async function otherSubnets(name: string, context: Context): Promise<string[]> {
  const names = (await profileNames(context)).filter((other) => other !== name);
  const specs = await Promise.all(
    names.map(async (other): Promise<ClusterSpec | undefined> => {
      // A torn profile is no reason not to start another one.
      const profile = await findProfile(other, context).catch(() => undefined);
      return profile?.spec;
    }),
  );
  return specs.flatMap((spec) => (spec ? [spec.network.nodeSubnet, spec.network.podSubnet] : []));
}
