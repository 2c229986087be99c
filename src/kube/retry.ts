import { systemClock } from "../base/clock.js";
import { isSlipwayError } from "../base/errors.js";
import type { KubeClient } from "./client.js";
import type { KubeRequest, KubeResponse } from "./request.js";

/** Whether an answer may be another one in a moment. */
export type IsPassing = (response: KubeResponse) => boolean;

/** The API asks to come again, or fails on its own side (Kubernetes API conventions, "HTTP status codes"). */
export const isBusy: IsPassing = ({ status }) => status === 409 || status === 429 || status >= 500;

const firstDelayMs = 20;
const longestDelayMs = 500;

/**
 * Sends a request again while the answer is a passing one or the connection fails, until `untilMs` (of the monotonic
 * clock); then gives back the last answer, or throws the last failure. Only for requests that may be sent twice.
 */
export async function requestPatiently(
  client: KubeClient,
  request: KubeRequest,
  { untilMs, isPassing }: { untilMs: number; isPassing: IsPassing },
): Promise<KubeResponse> {
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    const leftMs = untilMs - systemClock.monotonicMs();
    let waitMs = delayMs;
    try {
      const response = await client.request(request);
      if (leftMs <= 0 || !isPassing(response)) return response;
      waitMs = retryAfterMs(response) ?? delayMs;
    } catch (error) {
      if (leftMs <= 0 || !isSlipwayError(error, "API_UNREACHABLE")) throw error;
    }
    await systemClock.sleep(Math.min(waitMs, Math.max(0, leftMs)), request.signal);
  }
}

/** Retry-After in seconds (RFC 9110 §10.2.3), the only form that API servers send. */
function retryAfterMs({ headers }: KubeResponse): number | undefined {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
