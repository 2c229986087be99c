import { describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { clusterKubeconfig } from "../pki/kubeconfig.js";
import { credentialsFromKubeconfig } from "./credentials.js";

const options = {
  cluster: "c",
  server: "https://10.77.0.2:6443",
  caPem: "ca",
  user: "u",
  certificatePem: "certificate",
  privateKeyPem: "key",
  contextName: "x",
};

test("reads what the plan writes", () => {
  const { text } = clusterKubeconfig(options);
  const wanted = { server: options.server, caPem: "ca", certificatePem: "certificate", privateKeyPem: "key" };
  expect(credentialsFromKubeconfig(text)).toEqual(wanted);
  expect(credentialsFromKubeconfig(text, "x")).toEqual(wanted);
});

test("reads a token and a server name", () => {
  const { config } = clusterKubeconfig(options);
  const text = JSON.stringify({
    ...config,
    clusters: [{ name: "c", cluster: { ...config.clusters[0]!.cluster, "tls-server-name": "kubernetes" } }],
    users: [{ name: "u", user: { token: "t" } }],
  });
  expect(credentialsFromKubeconfig(text)).toEqual({
    server: options.server,
    caPem: "ca",
    token: "t",
    serverName: "kubernetes",
  });
});

describe("says what is missing, and shows no secret", () => {
  const { text } = clusterKubeconfig({ ...options, privateKeyPem: "hunter2" });
  test.each([
    ["no context", text.replace("current-context: x", ""), "no current-context"],
    ["a context that is not there", text.replace("current-context: x", "current-context: y"), "no context y"],
    ["no cluster", text.replace("cluster: c", "cluster: d"), "no cluster d"],
    ["no authority", text.replace("certificate-authority-data", "other"), "no certificate-authority-data"],
    ["a login plugin", text.replace("client-certificate-data", "exec"), "neither client-certificate-data"],
    ["torn", text.replace("client-key-data: ", 'client-key-data: "'), "cannot be used: Missing closing"],
    ["not a mapping", "- a", "no current-context"],
    ["nothing", "", "no current-context"],
  ])("%s", (_what, broken, message) => {
    const failure = (() => {
      try {
        return credentialsFromKubeconfig(broken);
      } catch (error) {
        return error;
      }
    })();
    expect(isSlipwayError(failure, "KUBECONFIG_INVALID") && failure.message).toContain(message);
    const { message: said, stack } = failure as Error;
    expect(`${said} ${stack} ${JSON.stringify(failure)}`).not.toContain(
      Buffer.from("hunter2").toString("base64"),
    );
  });
});
