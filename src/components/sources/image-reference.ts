import { SlipwayError } from "../../base/errors.js";
import { normalizeReference } from "../oci/reference.js";

/** An image's name, taken apart. */
export interface ImageReference {
  /** Where its registry answers, with the scheme. */
  registryUrl: string;
  /** The path in the registry: `library/busybox`. */
  repository: string;
  tag: string;
}

/**
 * Takes an image reference with a tag apart. Registries on the loopback are asked without TLS, as Docker does.
 *
 * @throws {SlipwayError} `IMAGE_INVALID`
 */
export function parseImageReference(text: string): ImageReference {
  const [, host = "", repository = "", tag] = /^([^/]+)\/([^@]+):([^/@]+)$/.exec(normalized(text)) ?? [];
  if (tag === undefined) throw invalid(text);
  // docker.io is a name, not a host.
  const server = host === "docker.io" ? "registry-1.docker.io" : host;
  const scheme = /^(localhost|127(\.\d+){3})(:\d+)?$/.test(host) ? "http" : "https";
  return { registryUrl: `${scheme}://${server}`, repository, tag };
}

function normalized(text: string): string {
  try {
    return normalizeReference(text);
  } catch {
    throw invalid(text);
  }
}

const invalid = (text: string) =>
  new SlipwayError("IMAGE_INVALID", `"${text}" is not an image reference with a tag`, {
    hint: "write it as registry.example.com/path/name:tag",
  });

/**
 * Reads `WWW-Authenticate: Bearer realm="…",service="…",scope="…"` (RFC 6750 §3, distribution spec token authentication).
 * @returns its parameters; undefined when it is another scheme.
 */
export function parseBearerChallenge(header: string): Record<string, string> | undefined {
  if (!/^bearer\s/i.test(header)) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key = "", quoted, plain] of header
    .slice(6)
    .matchAll(/([A-Za-z_][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g)) {
    parameters[key.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  }
  return parameters;
}
