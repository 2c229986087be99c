import type { Context } from "../base/context.js";
import type { Renewal, RenewalReason } from "../pki/renewal.js";
import { setClock, spanText, timeText } from "./clock-check.js";

/** Says which certificates a run makes anew by itself, and why. */
export function tellOfRenewals(renewals: readonly Renewal[], { events, clock }: Context): void {
  const now = clock.now();
  const of = (reason: RenewalReason) =>
    renewals.filter((renewal) => renewal.reason === reason).map(({ report }) => report);

  const [expired, early, ending, other] = [of("expired"), of("not yet valid"), of("ends soon"), of("other")];
  if (expired.length > 0) {
    const since = new Date(Math.min(...expired.map(({ notAfter }) => notAfter.getTime())));
    events({
      type: "warning",
      message: `${certificates(expired)} expired ${timeText(since)}, ${spanText(now.getTime() - since.getTime())} ago by this machine's clock; made anew under the same authorities`,
    });
  }
  if (early.length > 0) {
    const begin = new Date(Math.max(...early.map(({ notBefore }) => notBefore.getTime())));
    events({
      type: "warning",
      message: `${certificates(early)} would be valid only from ${timeText(begin)}, in ${spanText(begin.getTime() - now.getTime())} by this machine's clock; made anew under the same authorities`,
      hint: `the clock was ahead when they were made; should it be behind now: ${setClock}`,
    });
  }
  if (ending.length > 0) {
    events({
      type: "info",
      message: `${certificates(ending)} had less than a third of their life left; made anew under the same authorities`,
    });
  }
  if (other.length > 0) {
    events({
      type: "info",
      message: `${certificates(other)} had other names or keys than the cluster has; made anew`,
    });
  }
}

export const certificates = ({ length }: readonly unknown[]): string =>
  length === 1 ? "a certificate" : `${length} certificates`;
