import { mergeKubeconfig, removeFromKubeconfig } from "../../../src/kube/kubeconfig-file.js";

// kubeconfig-process.mjs FILE PROFILE TIMES: merges (a new server each time) and removes a profile, over and over, and
// leaves it merged. Prints "working" when it begins, and the error's code and message when one fails.
const [file, profile, times] = process.argv.slice(2) as [string, string, string];
const pem = Buffer.from("-----BEGIN CERTIFICATE-----\n").toString("base64");
const kubeconfig = (server: string) =>
  JSON.stringify({
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": pem } }],
    users: [{ name: "u", user: { "client-certificate-data": pem, "client-key-data": pem } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
if (Number(times) > 1) process.stdout.write("working\n");
try {
  for (let i = 1; i <= Number(times); i++) {
    if (i > 1 && i % 3 === 0) await removeFromKubeconfig([file], profile);
    await mergeKubeconfig([file], kubeconfig(`https://127.0.0.1:${i}`), { profile });
  }
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  process.stdout.write(`${code}: ${message}\n`);
  process.exitCode = 1;
}
