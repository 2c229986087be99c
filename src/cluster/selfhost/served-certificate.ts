import { connect } from "node:tls";
import { type Condition, met, unmet } from "../../base/condition.js";
import { inspectCertificate } from "../../pki/inspect.js";

/** A server shows the certificate that it should have. */
export const serves = (
  certificatePem: string,
  { host, port }: { host: string; port: number },
): Condition<undefined> => {
  const wanted = inspectCertificate(certificatePem, new Date(0)).serial;
  return {
    name: `${host}:${port} shows its new certificate`,
    check: (_, { signal }) =>
      new Promise((resolve, reject) => {
        // Which one it is, not whether to trust it: nothing is sent.
        const socket = connect({ host, port, rejectUnauthorized: false }, () => {
          const serial = socket.getPeerCertificate().serialNumber?.toLowerCase();
          socket.destroy();
          resolve(serial === wanted ? met() : unmet("it still shows the one before"));
        });
        socket.once("error", reject);
        signal.addEventListener("abort", () => socket.destroy(new Error("no answer")), { once: true });
      }),
  };
};
