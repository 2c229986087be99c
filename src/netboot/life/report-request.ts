import { isSlipwayError } from "../../base/errors.js";
import { parseMac } from "../../net/mac.js";
import type { ReportRequest } from "./requests.js";
import { type ReportStage, reportStages } from "./types.js";

/** More a report never needs. */
export const maxReportBytes = 16 * 1024;

/**
 * Reads a node's report: form data (`stage=booted&mac=…&message=…`) or JSON with these names; what the body does not say
 * may be in the query.
 *
 * @param address where it came from
 */
export function parseReport(
  body: string,
  contentType: string,
  rawQuery: string,
  address: string,
): ReportRequest | { invalid: string } {
  const said = new URLSearchParams(rawQuery);
  if (/^application\/json\b/.test(contentType)) {
    const value = jsonObject(body);
    if (value === undefined) return { invalid: "the body is not a JSON object" };
    for (const [name, field] of Object.entries(value)) {
      if (typeof field === "string") said.set(name, field);
    }
  } else for (const [name, field] of new URLSearchParams(body.trim())) said.set(name, field);
  const stage = said.get("stage");
  if (!isStage(stage)) return { invalid: `stage is to be one of ${reportStages.join(", ")}` };
  const mac = macOf(said.get("mac"));
  if (mac === undefined) return { invalid: "mac is to be the machine's MAC address" };
  const reason = (said.get("message") ?? said.get("reason"))?.replace(/\p{C}/gu, " ").trim().slice(0, 1000);
  const token = said.get("token");
  return { mac, address, stage, ...(reason ? { reason } : {}), ...(token ? { token } : {}) };
}

const isStage = (text: string | null): text is ReportStage => reportStages.includes(text as ReportStage);

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function macOf(text: string | null): string | undefined {
  try {
    return text === null ? undefined : parseMac(text.trim());
  } catch (error) {
    if (isSlipwayError(error)) return undefined;
    throw error;
  }
}
