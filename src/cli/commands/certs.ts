import { errorCodes } from "../../base/errors.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const check = defineCommand({
  name: "certs check",
  summary: "List a cluster's certificates and how long they are good for",
  description: `The exit code is ${errorCodes.CERTIFICATE_INVALID.exitCode} when one is missing, expired or of another authority.`,
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { checkCertificates } = await import("../../cluster/certs.js");
    const certificates = await checkCertificates(await cli.profile(), cli.context);
    await cli.show(certificates, () =>
      table(
        ["certificate", "authority", "expires", "days left", "state"],
        certificates.map(({ name, authority, notAfter, daysLeft, state }) => [
          name,
          authority,
          state === "missing" ? "" : notAfter.toISOString().slice(0, 10),
          state === "missing" ? "" : String(Math.floor(daysLeft)),
          state,
        ]),
      ),
    );
    const good = certificates.every(({ state }) => state === "ok" || state === "expires soon");
    return good ? 0 : errorCodes.CERTIFICATE_INVALID.exitCode;
  },
});

const renew = defineCommand({
  name: "certs renew",
  summary: "Make all certificates anew, under the same authorities",
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const { renewCertificates } = await import("../../cluster/certs.js");
    const name = await cli.profile();
    await renewCertificates(name, cli.context);
    cli.done({ renewed: name }, `the certificates of ${name} are new`);
  },
});

export const command: CommandGroup = {
  name: "certs",
  summary: "Check or renew a cluster's certificates",
  commands: [check, renew],
};
