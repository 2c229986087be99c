import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { isSlipwayError } from "../base/errors.js";
import { exists } from "../base/files.js";
import { type CertificateReport, inspectCertificate } from "../pki/inspect.js";
import { authorities } from "../plan/certificates.js";
import { planCluster } from "../plan/plan.js";
import { profilePaths, readProfile } from "./profile.js";

export type CertificateState =
  | "ok"
  | "expires soon"
  | "expired"
  | "not yet valid"
  | "wrong authority"
  | "unreadable"
  | "missing";

export interface CertificateStatus {
  name: string;
  authority: string;
  isAuthority: boolean;
  /** Empty when it is missing or unreadable; then it has no dates either. */
  subject: string;
  notBefore?: Date;
  notAfter?: Date;
  daysLeft?: number;
  state: CertificateState;
}

/** Below this many days a certificate should be renewed: a twelfth of its year. */
const soonDays = 30;

/** Every certificate of a cluster as it stands on the host, authorities first. */
export async function checkCertificates(name: string, context: Context): Promise<CertificateStatus[]> {
  const profile = await readProfile(name, context);
  const plan = planCluster(profile.spec, profile.facts);
  const directory = profilePaths(name, context).pki;
  const now = context.clock.now();
  const authorityPem = new Map<string, string>();
  for (const { name: authority, file } of authorities) {
    const path = join(directory, `${file}.crt`);
    if (await exists(path)) authorityPem.set(authority, await readFile(path, "utf8"));
  }
  const certificates = [
    ...authorities.map(({ name: authority, file }) => ({ name: file, authority, isAuthority: true })),
    ...plan.certificates.map((request) => ({
      name: request.name,
      authority: request.authority,
      isAuthority: false,
    })),
  ];
  return Promise.all(
    certificates.map(async (certificate): Promise<CertificateStatus> => {
      const path = join(directory, `${certificate.name}.crt`);
      if (!(await exists(path))) return { ...certificate, subject: "", state: "missing" };
      const signer = authorityPem.get(certificate.authority);
      try {
        const report = inspectCertificate(
          await readFile(path, "utf8"),
          now,
          signer === undefined ? {} : { authorityPem: signer },
        );
        const { subject, notBefore, notAfter, daysLeft } = report;
        return { ...certificate, subject, notBefore, notAfter, daysLeft, state: stateOf(report) };
      } catch (error) {
        if (!isSlipwayError(error, "CERTIFICATE_INVALID")) throw error;
        return { ...certificate, subject: "", state: "unreadable" };
      }
    }),
  );
}

function stateOf(report: CertificateReport): CertificateState {
  if (report.expired) return "expired";
  if (report.notYetValid) return "not yet valid";
  if (!report.signedByAuthority) return "wrong authority";
  return report.daysLeft < soonDays ? "expires soon" : "ok";
}
