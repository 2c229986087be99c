import { errorCodes } from "../../base/errors.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const check = defineCommand({
  name: "certs check",
  summary: "List a cluster's certificates and how long they are good for",
  description: `The exit code is ${errorCodes.CERTIFICATE_INVALID.exitCode} when one is missing, expired, not yet valid or of another authority.`,
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { checkCertificates } = await import("../../cluster/certs.js");
    const { certificateAdvice } = await import("../../cluster/certs-advice.js");
    const { readProfile } = await import("../../cluster/profile.js");
    const { context } = cli;
    const profile = await cli.profile();
    const certificates = await checkCertificates(profile, context);
    const { spec } = await readProfile(profile, context);
    const advice = certificateAdvice(spec, certificates, context.clock.now());
    if (advice) context.events({ type: "warning", ...advice });
    await cli.show(certificates, () =>
      table(
        ["certificate", "authority", "begins", "expires", "days left", "state"],
        certificates.map(({ name, authority, notBefore, notAfter, daysLeft, state }) => [
          name,
          authority,
          day(notBefore),
          day(notAfter),
          daysLeft === undefined ? "" : String(daysLeft),
          state,
        ]),
      ),
    );
    const good = certificates.every(({ state }) => state === "ok" || state === "expires soon");
    return good ? 0 : errorCodes.CERTIFICATE_INVALID.exitCode;
  },
});

const day = (date: Date | undefined): string => date?.toISOString().slice(0, 10) ?? "";

const renew = defineCommand({
  name: "certs renew",
  summary: "Make all certificates anew, under the same authorities",
  description:
    "Expired ones too, on a running cluster too: what holds them is restarted, pods go on. A self-hosted control plane that died of them is brought back by slipway selfhost recover.",
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const { renewCertificates } = await import("../../cluster/certs-renew.js");
    const name = await cli.profile();
    await renewCertificates(name, { kubeconfigFiles: cli.kubeconfigFiles }, cli.context);
    cli.done({ renewed: name }, `the certificates of ${name} are new`);
  },
});

export const command: CommandGroup = {
  name: "certs",
  summary: "Check or renew a cluster's certificates",
  commands: [check, renew],
};
