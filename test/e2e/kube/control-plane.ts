import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.js";
import { waitFor } from "../../../src/base/condition.js";
import { writeFileAtomic } from "../../../src/base/files.js";
import { start } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";
import { connect } from "../../../src/kube/client.js";
import { apiReady } from "../../../src/kube/conditions.js";
import type { KubeCredentials } from "../../../src/kube/credentials.js";
import { createAuthority } from "../../../src/pki/authority.js";
import { issueCertificate } from "../../../src/pki/certificate.js";
import { createServiceAccountKeys } from "../../../src/pki/service-account.js";

/** A real etcd and a real kube-apiserver as plain processes on this machine's loopback address. */
export interface ControlPlane extends AsyncDisposable {
  directory: string;
  /** Of a system:masters user. */
  admin: KubeCredentials;
  /** Of an authenticated user with no rights, under whatever name. */
  credentialsFor(user: string): KubeCredentials;
  apiServerPid(): number;
  stopApiServer(): Promise<void>;
  startApiServer(): void;
}

export interface Binaries {
  etcd: string;
  kubeApiServer: string;
}

/**
 * Starts both; does not wait until they answer, so that a test sees how a fresh API server settles.
 *
 * @param apiServerFlags come last, and so count
 */
export async function startControlPlane(
  binaries: Binaries,
  apiServerFlags: readonly string[] = [],
): Promise<ControlPlane> {
  const scope = new Scope();
  try {
    const directory = await mkdtemp(join(tmpdir(), "slipway-kube-"));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    const now = new Date();
    const authority = createAuthority("test", { now, years: 1 });
    const issue = (name: string, commonName: string, organizations: string[], usage: "server" | "client") =>
      issueCertificate(
        {
          name,
          authority: "cluster",
          commonName,
          organizations,
          usages: [usage],
          dnsNames: usage === "server" ? ["localhost"] : [],
          ips: usage === "server" ? ["127.0.0.1"] : [],
        },
        authority,
        { now, days: 1 },
      );
    const server = issue("apiserver", "kube-apiserver", [], "server");
    const keys = createServiceAccountKeys();
    const file = async (name: string, text: string) => {
      await writeFileAtomic(join(directory, name), text, { mode: 0o600 });
      return join(directory, name);
    };
    const [clientPort, peerPort, securePort] = [await freePort(), await freePort(), await freePort()];
    const etcdUrl = `http://127.0.0.1:${clientPort}`;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    const etcd = start(
      binaries.etcd,
      [
        `--data-dir=${join(directory, "etcd")}`,
        "--unsafe-no-fsync",
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        "--heartbeat-interval=10",
        "--election-timeout=100",
      ],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    scope.defer(async () => {
      etcd.kill();
      await etcd;
    });
    const arguments_ = [
      `--etcd-servers=${etcdUrl}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${securePort}`,
      `--tls-cert-file=${await file("apiserver.crt", server.certificatePem)}`,
      `--tls-private-key-file=${await file("apiserver.key", server.privateKeyPem)}`,
      `--client-ca-file=${await file("ca.crt", authority.certificatePem)}`,
      `--service-account-key-file=${await file("sa.pub", keys.publicKeyPem)}`,
      `--service-account-signing-key-file=${await file("sa.key", keys.privateKeyPem)}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      "--service-cluster-ip-range=10.96.0.0/16",
      `--cert-dir=${join(directory, "generated")}`,
      ...apiServerFlags,
    ];
    const startServer = () =>
      start(binaries.kubeApiServer, arguments_, { stdio: ["ignore", "ignore", "ignore"] });
    let apiServer = startServer();
    const stopApiServer = async () => {
      apiServer.kill("SIGKILL");
      await apiServer;
    };
    scope.defer(stopApiServer);
    const url = `https://127.0.0.1:${securePort}`;
    const credentials = (user: string, groups: string[]): KubeCredentials => ({
      server: url,
      caPem: authority.certificatePem,
      ...issue(user, user, groups, "client"),
    });
    return {
      directory,
      admin: credentials("test-admin", ["system:masters"]),
      credentialsFor: (user) => credentials(user, []),
      apiServerPid: () => apiServer.pid!,
      stopApiServer,
      startApiServer: () => {
        apiServer = startServer();
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

export async function untilReady({ admin }: ControlPlane): Promise<void> {
  await using client = connect(admin);
  await waitFor(apiReady(), client, { timeoutMs: 120_000, clock: systemClock });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
