import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../../base/errors.js";
import { exists, readTextIfPresent } from "../../base/files.js";
import { connect } from "../../kube/client.js";
import { isPortFree, portHolder } from "../../net/ports.js";
import { pki } from "../../plan/places.js";
import { bootstrapPorts } from "../../plan/selfhosted/settings.js";
import type { ControlPlaneHost } from "../control-plane-host.js";
import { bootstrapManifests } from "../pivot/bootstrap-pods.js";
import type { StartAssets } from "./assets.js";
import { isPlacedByUs } from "./placed-manifest.js";

/** How far this machine is. */
export type Phase =
  /** Nothing of the cluster's API answers here. */
  | "new"
  /** An earlier start put the bootstrap control plane there, and it has not ended. */
  | "bootstrapping"
  /** The self-hosted API server answers. */
  | "selfhosted";

/** @throws {SlipwayError} `PERMISSION_DENIED` */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new SlipwayError("PERMISSION_DENIED", "static pods, certificates and nftables rules are root's", {
    hint: "run the same command with sudo",
  });
}

/**
 * Looks whether a control plane can be bootstrapped on this machine, and how far it is. Writes nothing.
 *
 * @param finished whether an earlier start from the same assets came to its end
 * @throws {SlipwayError} `PREFLIGHT_FAILED`, `PORT_IN_USE`, `CERTIFICATE_INVALID`
 */
export async function preflight(
  assets: StartAssets,
  host: ControlPlaneHost,
  context: Context,
  { finished = false }: { finished?: boolean } = {},
): Promise<Phase> {
  await checkPrograms(host, context);
  if (!(await exists(host.manifests))) {
    throw new SlipwayError("PREFLIGHT_FAILED", `there is no directory ${host.manifests}`, {
      hint: "name the one that the kubelet watches (staticPodPath in its configuration): --pod-manifest-path DIR",
    });
  }
  await checkAuthority(assets);
  const found = await phaseOf(assets, host, context);
  // An API server that answers says nothing of the rest, for which it was recovered.
  const phase = found === "selfhosted" && assets.recovered && !finished ? "new" : found;
  if (phase !== "selfhosted") await checkManifestNames(assets, host);
  if (phase === "new") await checkBootstrapPorts(assets);
  await tellOfKubelet(host, context);
  return phase;
}

async function checkPrograms(host: ControlPlaneHost, { signal }: Context): Promise<void> {
  const programs = [
    ["nft", ["nft", "--version"], "nftables"],
    ["ss", ["ss", "-V"], "iproute2"],
  ] as const;
  for (const [name, command, debianPackage] of programs) {
    await host.exec([...command], { signal }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new SlipwayError("PREFLIGHT_FAILED", `${name} does not run here: ${messageOf(cause)}`, {
        hint: `apt-get install ${debianPackage}`,
        cause,
      });
    });
  }
}

/** The authority that this machine has is the assets', or there is none yet. */
async function checkAuthority({ caCertificate, caKey, directory }: StartAssets): Promise<void> {
  const own = certificate(caCertificate, join(directory, "tls/ca.crt"));
  if (caKey !== undefined) checkKey(own, caKey, join(directory, "tls/ca.key"));
  const there = await readTextIfPresent(pki("ca.crt"));
  if (there !== undefined && certificate(there, pki("ca.crt")).fingerprint256 !== own.fingerprint256) {
    throw new SlipwayError("CERTIFICATE_INVALID", `${pki("ca.crt")} is another cluster's authority`, {
      details: { there: certificate(there, pki("ca.crt")).subject, assets: own.subject },
      hint: "this machine belongs to another cluster; if not, move the file away",
    });
  }
  const key = await readTextIfPresent(pki("ca.key"));
  if (key !== undefined) return checkKey(own, key, pki("ca.key"));
  if (caKey !== undefined) return;
  throw new SlipwayError("CERTIFICATE_INVALID", `there is no ${pki("ca.key")}, and none in ${directory}`, {
    hint: "the controller manager signs with it: put it there, or give it to the recovery: slipway selfhost recover --ca-private-key-path FILE",
  });
}

function certificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new SlipwayError("CERTIFICATE_INVALID", `${path} is not a certificate`);
  }
}

function checkKey(authority: X509Certificate, pem: string, path: string): void {
  try {
    if (authority.checkPrivateKey(createPrivateKey(pem))) return;
  } catch {} // no key at all
  throw new SlipwayError("CERTIFICATE_INVALID", `${path} is not the key of the assets' authority`, {
    hint: "tls/ca.crt and tls/ca.key of the assets belong together",
  });
}

async function phaseOf(assets: StartAssets, host: ControlPlaneHost, context: Context): Promise<Phase> {
  const left = await bootstrapManifests(host, context.signal);
  if (left.includes(assets.bootstrapPods[0]!.file)) return "bootstrapping";
  const { port } = assets;
  if (await isPortFree({ address: "0.0.0.0", port, protocol: "tcp" })) return "new";
  if (await answersUs(assets, context)) return "selfhosted";
  throw await portTaken(port, "the API server's");
}

/** Whether an API server of the assets' authority has the cluster's port. */
async function answersUs({ credentials }: StartAssets, { signal }: Context): Promise<boolean> {
  await using client = connect(credentials);
  try {
    await client.request({ path: "/readyz", signal, timeoutMs: 10_000 });
    return true;
  } catch (error) {
    if (isSlipwayError(error, "API_UNREACHABLE") || isSlipwayError(error, "CERTIFICATE_INVALID"))
      return false;
    throw error;
  }
}

async function checkManifestNames({ bootstrapPods }: StartAssets, host: ControlPlaneHost): Promise<void> {
  for (const { file, pod } of bootstrapPods) {
    const path = join(host.manifests, file);
    const text = await readTextIfPresent(path);
    if (text === undefined || isPlacedByUs(text, pod)) continue;
    throw new SlipwayError("PREFLIGHT_FAILED", `${path} is there already, and is not of an earlier start`, {
      hint: "move it away, or name another directory: --pod-manifest-path DIR",
    });
  }
}

/** What the bootstrap control plane listens on, in the host's own network. */
async function checkBootstrapPorts({ bootstrapPort }: StartAssets): Promise<void> {
  for (const [port, whose] of [
    [bootstrapPort, "the bootstrap API server's"],
    [bootstrapPorts.controllerManager, "the bootstrap controller manager's"],
    [bootstrapPorts.scheduler, "the bootstrap scheduler's"],
  ] as const) {
    if (!(await isPortFree({ address: "0.0.0.0", port, protocol: "tcp" })))
      throw await portTaken(port, whose);
  }
}

async function portTaken(port: number, whose: string): Promise<SlipwayError> {
  const holder = await portHolder({ address: "0.0.0.0", port, protocol: "tcp" });
  return new SlipwayError(
    "PORT_IN_USE",
    `port ${port}, ${whose}, is held by ${holder ?? "another program"}`,
    {
      hint: "end that program, or render with another port: --api-servers https://HOST:PORT",
    },
  );
}

/** A kubelet may come later: nothing else starts the static pods. */
async function tellOfKubelet(host: ControlPlaneHost, { signal, events }: Context): Promise<void> {
  const { exitCode } = await host
    .exec(["pidof", "-s", "kubelet"], { signal, allowFailure: true })
    .catch(() => ({ exitCode: 0 }));
  if (exitCode === 0) return;
  events({
    type: "warning",
    message: "no kubelet runs on this machine; the bootstrap control plane begins with it",
    hint: "systemctl start kubelet",
  });
}
