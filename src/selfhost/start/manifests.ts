import { SlipwayError } from "../../base/errors.js";
import type { Refusal } from "../../kube/apply.js";
import { describeObject } from "../../kube/wire.js";
import type { AssetObject } from "./assets.js";

/** What the API server refused, file by file, as one error. */
export function refusalError(
  refusals: readonly Refusal[],
  manifests: readonly AssetObject[],
  { outcome, hint }: { outcome: string; hint: string },
): SlipwayError {
  const fileOf = ({ object }: Refusal) =>
    manifests.find((manifest) => manifest.object === object)?.file ?? "";
  const details: Record<string, string> = {};
  for (const refusal of refusals) {
    const file = fileOf(refusal);
    const text = refusal.error.message.replace(/\s+/g, " ");
    details[file] = details[file] === undefined ? text : `${details[file]}\n${text}`;
  }
  const [first] = refusals;
  const what =
    refusals.length === 1 && first
      ? `${fileOf(first)}: the API server refuses ${describeObject(first.object)}`
      : `the API server refuses ${refusals.length} of ${manifests.length} objects`;
  return new SlipwayError("API_REFUSED", `${what}; ${outcome}`, { details, hint });
}
