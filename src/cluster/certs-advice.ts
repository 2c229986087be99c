import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { CertificateState, CertificateStatus } from "./certs.js";
import { setClock, spanText, timeText } from "./clock-check.js";
import { certificates } from "./renewal-text.js";

/** What is wrong with a cluster's certificates, and the command that helps. */
export interface CertificateAdvice {
  message: string;
  hint: string;
}

/** The worst that is to be said about a cluster's certificates; undefined when all is well. Pure. */
export function certificateAdvice(
  { metadata: { name: profile }, bootstrapper }: Pick<ClusterSpec, "metadata" | "bootstrapper">,
  all: readonly CertificateStatus[],
  now: Date,
): CertificateAdvice | undefined {
  const of = (state: CertificateState, isAuthority: boolean) =>
    all.filter((status) => status.state === state && status.isAuthority === isAuthority);
  const anew = `slipway delete -p ${profile}, then slipway start -p ${profile}`;
  const renew = `slipway certs renew -p ${profile}`;
  // Pods of the control plane take new ones from an API that serves.
  const revive = bootstrapper === "selfhosted" ? `slipway selfhost recover -p ${profile}` : renew;

  const [unborn] = of("not yet valid", true);
  if (unborn?.notBefore) {
    const ahead = spanText(unborn.notBefore.getTime() - now.getTime());
    return {
      message: `the cluster's authorities begin ${timeText(unborn.notBefore)}, in ${ahead} by this machine's clock`,
      hint: `set the clock if it is behind (${setClock}); else wait until then, or make the cluster anew, without its data: ${anew}`,
    };
  }
  const [dead] = of("expired", true);
  if (dead?.notAfter) {
    return {
      message: `the cluster's authorities expired ${timeText(dead.notAfter)}, by this machine's clock`,
      hint: `set the clock if it is ahead (${setClock}); else make the cluster anew, without its data: ${anew}`,
    };
  }
  const lost = all.filter(({ state }) => ["missing", "unreadable", "wrong authority"].includes(state));
  if (lost.some(({ isAuthority }) => isAuthority)) {
    return {
      message: `of the cluster's authorities ${lost.filter(({ isAuthority }) => isAuthority).length} cannot be used`,
      hint: `restore them from a copy, or make the cluster anew, without its data: ${anew}`,
    };
  }
  const expired = of("expired", false);
  if (expired.length > 0) return { message: `${certificates(expired)} expired`, hint: revive };
  const early = of("not yet valid", false);
  if (early.length > 0) {
    return {
      message: `not valid yet: ${certificates(early)}; the clock is behind now, or was ahead when they were made`,
      hint: `${revive}, with the clock right`,
    };
  }
  if (lost.length > 0) return { message: `${certificates(lost)} cannot be used`, hint: renew };
  const soon = of("expires soon", false);
  if (soon.length > 0) {
    return { message: `${certificates(soon)} will expire within 30 days`, hint: renew };
  }
  return undefined;
}
