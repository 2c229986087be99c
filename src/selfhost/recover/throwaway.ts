import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { writeFileAtomic } from "../../base/files.js";
import { run, start } from "../../base/run.js";
import { Scope } from "../../base/scope.js";
import { connect, type KubeClient } from "../../kube/client.js";
import { createAuthority } from "../../pki/authority.js";
import { issueCertificate } from "../../pki/certificate.js";
import { createServiceAccountKeys } from "../../pki/service-account.js";

/** Where the programs are, on this machine. */
export interface Programs {
  etcd: string;
  etcdutl: string;
  apiServer: string;
}

export interface SnapshotData {
  /** A snapshot that was verified. */
  snapshot: string;
  /** Of the API server that wrote it: `/registry` */
  prefix: string;
  /** An EncryptionConfiguration, where Secrets are encrypted. */
  encryption: string | undefined;
}

/** An API server over a copy of some etcd's data, for reading. What it writes, it writes to the copy. */
export interface Throwaway extends AsyncDisposable {
  client: KubeClient;
}

const patienceMs = 120_000;

/**
 * Restores a snapshot into an etcd of its own and starts an API server over it, both on this machine's loopback, under an authority
 * that is made for it: nobody else can read there. All of it goes when it is disposed of.
 *
 * @throws {SlipwayError} `API_NOT_READY` with what the API server said last
 */
export async function serveSnapshot(
  { snapshot, prefix, encryption }: SnapshotData,
  programs: Programs,
  context: Context,
): Promise<Throwaway> {
  const { signal, events, clock } = context;
  const scope = new Scope();
  try {
    const directory = await mkdtemp(join(tmpdir(), "slipway-recover-"));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    const file = async (name: string, text: string) => {
      await writeFileAtomic(join(directory, name), text, { mode: 0o600 });
      return join(directory, name);
    };
    const now = clock.now();
    const authority = createAuthority("slipway-recover", { now, years: 1 });
    const pair = (name: string, usages: ("server" | "client")[], organizations: string[] = []) =>
      issueCertificate(
        {
          name,
          authority: "cluster",
          commonName: name,
          organizations,
          usages,
          dnsNames: [],
          ips: ["127.0.0.1"],
        },
        authority,
        { now, days: 1 },
      );
    const server = pair("server", ["server", "client"]);
    const caFile = await file("ca.crt", authority.certificatePem);
    const certificateFile = await file("server.crt", server.certificatePem);
    const keyFile = await file("server.key", server.privateKeyPem);
    const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
    const [clientUrl, peerUrl, url] = [client, peer, secure].map((port) => `https://127.0.0.1:${port}`);
    const data = join(directory, "etcd");
    const member = [
      "--name=recover",
      `--initial-cluster=recover=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
    ];
    await run(programs.etcdutl, ["snapshot", "restore", snapshot, `--data-dir=${data}`, ...member], {
      signal,
    });
    const serve = (name: string, program: string, flags: string[]) => {
      const log = join(directory, `${name}.log`);
      const child = start(program, flags, { stdio: ["ignore", { file: log }, { file: log }] as never });
      scope.defer(async () => {
        child.kill();
        await child;
      });
      return log;
    };
    serve("etcd", programs.etcd, [
      ...member,
      `--data-dir=${data}`,
      "--unsafe-no-fsync",
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      ...["", "peer-"].flatMap((kind) => [
        `--${kind}cert-file=${certificateFile}`,
        `--${kind}key-file=${keyFile}`,
        `--${kind}trusted-ca-file=${caFile}`,
        `--${kind}client-cert-auth`,
      ]),
      "--log-level=warn",
    ]);
    const keys = createServiceAccountKeys();
    const log = serve("kube-apiserver", programs.apiServer, [
      `--etcd-servers=${clientUrl}`,
      `--etcd-cafile=${caFile}`,
      `--etcd-certfile=${certificateFile}`,
      `--etcd-keyfile=${keyFile}`,
      `--etcd-prefix=${prefix}`,
      ...(encryption === undefined
        ? []
        : [`--encryption-provider-config=${await file("encryption.yaml", encryption)}`]),
      "--bind-address=127.0.0.1",
      `--secure-port=${secure}`,
      `--tls-cert-file=${certificateFile}`,
      `--tls-private-key-file=${keyFile}`,
      `--client-ca-file=${caFile}`,
      "--anonymous-auth=false",
      "--authorization-mode=RBAC",
      "--endpoint-reconciler-type=none",
      // For a few reads.
      "--watch-cache=false",
      "--service-account-issuer=https://slipway-recover",
      `--service-account-key-file=${await file("sa.pub", keys.publicKeyPem)}`,
      `--service-account-signing-key-file=${await file("sa.key", keys.privateKeyPem)}`,
      `--cert-dir=${directory}`,
    ]);
    const reader = scope.use(
      connect({
        server: url!,
        caPem: authority.certificatePem,
        ...pair("slipway-recover", ["client"], ["system:masters"]),
      }),
    );
    const wait = {
      timeoutMs: patienceMs,
      intervalMs: 100,
      signal,
      events,
      clock,
      code: "API_NOT_READY" as const,
    };
    await waitFor(answers(log), reader, wait);
    return { client: reader, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** It reads: never ready is one that cannot decrypt Secrets, and that is for whoever reads them to say. */
const answers = (log: string): Condition<KubeClient> => ({
  name: "an API server over the copy answers",
  async check(client, { signal }) {
    const path = "/apis/apps/v1/namespaces/kube-system/daemonsets";
    const status = await client.request({ path, signal, timeoutMs: 5000 }).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return met();
    const lines = (await readFile(log, "utf8").catch(() => "")).trim().split("\n");
    const failure = lines.findLast((line) => /^[EF]\d|^Error/.test(line));
    // Without when and where (klog's header): the same failure is the same text.
    return unmet(
      failure?.replace(/^[EF][^\]]*\] /, "") ?? (status === undefined ? "nobody answers" : `${status}`),
    );
  },
});

/** Taken by nobody just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
