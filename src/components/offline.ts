import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { someOf } from "./look-up.js";

/** @param subjects what is missing, for people: `etcd v3.6.8` */
export function offlineMissing(subjects: readonly string[]): SlipwayError {
  const sorted = [...subjects].sort();
  return new SlipwayError("OFFLINE_MISSING", `offline, and the store lacks ${someOf(sorted)}`, {
    details: { missing: sorted.join(", ") },
    hint: "run slipway start --download-only with a network, or slipway bundle load with a bundle from another machine",
  });
}

/**
 * Waits for all of what is got offline, where nothing takes long: what several of them lack is told as one error.
 *
 * @throws {SlipwayError} `OFFLINE_MISSING`, or the first other error
 */
export async function allOffline<T extends readonly unknown[]>(
  tasks: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const failed = (await Promise.allSettled(tasks)).flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  const missing = failed.filter((error) => isSlipwayError(error, "OFFLINE_MISSING"));
  const [other] = failed.filter((error) => !missing.includes(error as SlipwayError));
  if (other !== undefined) throw other;
  if (missing.length > 0) {
    throw offlineMissing(missing.flatMap(({ details }) => details.missing?.split(", ") ?? []));
  }
  return (await Promise.all(tasks)) as unknown as T;
}
