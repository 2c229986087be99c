import { pack } from "tar-stream";
import { stringify } from "yaml";
import { places } from "../../plan/places.js";
import { type BootstrapPod, bootstrapSecretsPath } from "../../plan/selfhosted/bootstrap.js";
import type { ControlPlaneHost } from "../control-plane-host.js";

/**
 * Puts the bootstrap control plane on a node whose kubelet runs: what the pods read first, the manifests last.
 *
 * @param material what the plan's secrets are
 */
export async function placeBootstrap(
  host: ControlPlaneHost,
  pods: readonly BootstrapPod[],
  material: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const secrets = pods.flatMap(({ files }) =>
    files.map(({ path, contents }) => ({
      path: relative(`${bootstrapSecretsPath}/${path}`),
      text: "secret" in contents ? material.get(contents.secret)! : contents.text,
    })),
  );
  const manifests = pods.map(({ file, pod }) => ({
    path: relative(`${staging}/${file}`),
    text: stringify(pod),
  }));
  const shell = (script: string, input?: Buffer) =>
    host.exec(["/bin/sh", "-euc", script], { ...(input ? { input } : {}), signal });
  // Those of a run before this one are written over: pods that run have the directory mounted.
  await shell(`rm -rf ${staging}`);
  const unpack = "umask 077; exec tar -x -C / --no-same-owner";
  await shell(unpack, await archive(secrets));
  await shell(unpack, await archive(manifests));
  // Whole or not at all: the kubelet reads what appears there.
  await shell(`mv -f ${staging}/* ${places.manifests}/ && rmdir ${staging}`);
}

const staging = `${places.kubernetes}/bootstrap-manifests`;

const relative = (path: string): string => path.slice(1);

async function archive(files: { path: string; text: string }[]): Promise<Buffer> {
  const tar = pack();
  for (const { path, text } of files) tar.entry({ name: path, mode: 0o600 }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
