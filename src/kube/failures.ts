import { messageOf, SlipwayError, systemCode } from "../base/errors.js";
import type { KubeRequest, KubeResponse } from "./request.js";
import type { ApiStatus } from "./wire.js";

/** What a request is called in messages. Queries and bodies are left out: they may be long, or secret. */
const nameOf = ({ method = "GET", path }: Pick<KubeRequest, "method" | "path">) => `${method} ${path}`;

/** Node's codes for a server certificate that does not hold (node:tls, X509 certificate error codes). */
const certificateCodes = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The error for a request that got no answer. */
export function unreachable(server: string, request: KubeRequest, cause: unknown): SlipwayError {
  const code = systemCode(cause);
  const details = { server, request: nameOf(request) };
  if (code !== undefined && certificateCodes.has(code)) {
    return new SlipwayError(
      "CERTIFICATE_INVALID",
      `the API server's certificate does not hold: ${messageOf(cause)}`,
      { details, hint: "check the clocks, and that the credentials are this cluster's", cause },
    );
  }
  return new SlipwayError("API_UNREACHABLE", `the API server does not answer: ${messageOf(cause)}`, {
    details,
    cause,
  });
}

/** The error for an answer that is not a success. `about` says what was asked for, for people: an object's name. */
export function refused(request: KubeRequest, response: KubeResponse, about?: string): SlipwayError {
  const status = readStatus(response);
  const said = status?.message ?? response.body.trim().slice(0, 300);
  return new SlipwayError(
    "API_REFUSED",
    `${about ? `${about}: ` : ""}the API server answered ${response.status}${said ? `: ${said}` : ""}`,
    {
      details: {
        request: nameOf(request),
        status: String(response.status),
        ...(status?.reason ? { reason: status.reason } : {}),
      },
    },
  );
}

/** The HTTP status of an `API_REFUSED` error. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof SlipwayError && error.code === "API_REFUSED"
    ? Number(error.details.status)
    : undefined;
}

/** The Status object that the API sends with a failure; undefined when something else answered. */
export function readStatus({ body }: KubeResponse): ApiStatus | undefined {
  try {
    const status = JSON.parse(body) as ApiStatus | null;
    return status?.kind === "Status" ? status : undefined;
  } catch {
    return undefined;
  }
}
