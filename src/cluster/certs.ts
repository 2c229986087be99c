import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { exists } from "../base/files.js";
import { inspectCertificate } from "../pki/inspect.js";
import { authorities } from "../plan/certificates.js";
import { planCluster } from "../plan/plan.js";
import { hostDriver } from "./driver.js";
import { clusterUnits } from "./logs.js";
import { machineSpec } from "./machine-spec.js";
import { ensureMaterial } from "./material.js";
import { runOperation, type Step } from "./operation.js";
import {
  lockProfile,
  loggedContext,
  type Profile,
  profileJournal,
  profilePaths,
  readProfile,
} from "./profile.js";
import { ensureNodeSoftware } from "./software.js";

export interface CertificateStatus {
  name: string;
  subject: string;
  authority: string;
  notAfter: Date;
  daysLeft: number;
  /** `ok`; otherwise what is wrong. */
  state: "ok" | "expires soon" | "expired" | "not yet valid" | "wrong authority" | "missing";
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
  const report = async (certificate: string, authority: string, file: string): Promise<CertificateStatus> => {
    const path = join(directory, `${file}.crt`);
    if (!(await exists(path))) {
      return {
        name: certificate,
        subject: "",
        authority,
        notAfter: new Date(0),
        daysLeft: 0,
        state: "missing",
      };
    }
    const pem = await readFile(path, "utf8");
    const signer = authorityPem.get(authority) ?? pem;
    const { subject, notAfter, daysLeft, expired, notYetValid, signedByAuthority } = inspectCertificate(
      pem,
      now,
      {
        authorityPem: signer,
      },
    );
    const state = expired
      ? "expired"
      : notYetValid
        ? "not yet valid"
        : !signedByAuthority
          ? "wrong authority"
          : daysLeft < soonDays
            ? "expires soon"
            : "ok";
    return { name: certificate, subject, authority, notAfter, daysLeft, state };
  };
  const reports: CertificateStatus[] = [];
  for (const { name: authority, file } of authorities) {
    reports.push(await report(file, authority, file));
    const path = join(directory, `${file}.crt`);
    if (await exists(path)) authorityPem.set(authority, await readFile(path, "utf8"));
  }
  for (const request of plan.certificates)
    reports.push(await report(request.name, request.authority, request.name));
  return reports;
}

interface RenewState {
  profile: Profile;
}

/**
 * Makes every leaf certificate anew, under the same authorities, and restarts what holds them, node by node. Keys and
 * certificates on the host first: a killed renewal is finished by running it again.
 */
export async function renewCertificates(name: string, context: Context): Promise<void> {
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  await runOperation(
    "certs-renew",
    renewSteps,
    { profile },
    {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    },
  );
}

const reissue: Step<RenewState> = {
  id: "reissue-certificates",
  title: "New certificates",
  async run({ profile }, context) {
    const plan = planCluster(profile.spec, profile.facts);
    const { pki } = profilePaths(profile.spec.metadata.name, context);
    await ensureMaterial(plan, pki, context, { renewLeaves: true });
    return `${plan.certificates.length} issued`;
  },
};

const configureNodes: Step<RenewState> = {
  id: "configure-nodes",
  title: "Nodes",
  async run({ profile }, context) {
    const { name } = profile.spec.metadata;
    const plan = planCluster(profile.spec, profile.facts);
    const material = await ensureMaterial(plan, profilePaths(name, context).pki, context);
    const software = await ensureNodeSoftware(profile.spec, {}, context);
    const driver = hostDriver(context);
    for (const node of plan.nodes) {
      const machine = await driver.inspect(name, node.name);
      if (!machine) continue;
      await driver.configure(machineSpec(plan, node, software, material), context);
      if (machine.state !== "running") continue;
      // Pods go on: containerd is left alone, and a kubelet takes its containers up again.
      await driver.exec(
        name,
        node.name,
        ["systemctl", "try-restart", ...clusterUnits.filter((unit) => unit !== "containerd")],
        {
          signal: context.signal,
        },
      );
    }
    return plan.nodes.map((node) => node.name).join(", ");
  },
};

const renewSteps = [reissue, configureNodes];
