import type { NodeSpec } from "./cluster-spec.js";
import { checkLabelKey, checkLabelValue } from "./names.js";
import { nearText, shown, valueInvalid } from "./problems.js";

export type Taint = NodeSpec["taints"][number];

export const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

/**
 * Reads a taint as kubectl writes it: `key=value:Effect` or `key:Effect`.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`
 */
export function parseTaint(text: string): Taint {
  const match = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text);
  if (!match)
    throw valueInvalid(`${shown(text)} is not a taint; write key=value:NoSchedule or key:NoSchedule`);
  const [, key = "", value, effect = ""] = match;
  const known = taintEffects.find((name) => name === effect);
  if (!known) {
    throw valueInvalid(
      `${shown(effect)} is not a taint's effect${nearText(effect, taintEffects) || `; there are ${taintEffects.join(", ")}`}`,
    );
  }
  const taint: Taint = { key, effect: known, ...(value ? { value } : {}) };
  checkTaint(taint);
  return taint;
}

/** @throws {SlipwayError} `CONFIG_INVALID` */
export function checkTaint({ key, value }: { key: string; value?: string | undefined }): void {
  checkLabelKey(key);
  if (value !== undefined) checkLabelValue(value);
}
