import { stat } from "node:fs/promises";
import type { Snapshot } from "../snapshot.js";
import type { Finding } from "./finding.js";

/** The files that a lab's settings name and that are not there: certificates, keys. */
export async function missingSettingsFiles({ settings }: Snapshot, labName: string): Promise<Finding[]> {
  const { tls } = settings.http;
  const { grpc } = settings;
  const named: [Finding["field"], string | undefined][] = [
    [["http", "tls", "certificate"], tls?.certificate],
    [["http", "tls", "key"], tls?.key],
    [["grpc", "certificate"], grpc?.certificate],
    [["grpc", "key"], grpc?.key],
    [["grpc", "ca"], grpc?.ca],
  ];
  const findings: Finding[] = [];
  for (const [field, path] of named) {
    if (path === undefined || (await stat(path).catch(() => undefined))?.isFile()) continue;
    const message = `there is no file ${path}`;
    findings.push({ severity: "error", check: "missing-file", subject: { lab: labName }, field, message });
  }
  return findings;
}
