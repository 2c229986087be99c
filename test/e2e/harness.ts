import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { isSlipwayError } from "../../src/base/errors.js";
import { type RunOptions, type RunResult, run } from "../../src/base/run.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const slipwayProgram = join(root, "dist/cli/main.js");

/**
 * A home of its own for a test's clusters: profiles, machines and kubeconfig in a directory that goes afterwards; the
 * components come from the cache that everybody shares.
 */
export class TestHome implements AsyncDisposable {
  readonly directory: string;
  readonly env: Record<string, string>;

  private constructor(directory: string) {
    this.directory = directory;
    this.env = {
      XDG_STATE_HOME: join(directory, "state"),
      XDG_CONFIG_HOME: join(directory, "config"),
      KUBECONFIG: join(directory, "kubeconfig"),
      NO_COLOR: "1",
    };
  }

  static async create(): Promise<TestHome> {
    return new TestHome(await mkdtemp(join(tmpdir(), "slipway-e2e-")));
  }

  /** Runs the built command line; whatever it said is in the error, so that a test's report tells what went wrong. */
  async slipway(args: string[], options: RunOptions = {}): Promise<RunResult> {
    const settings = { timeoutMs: 600_000, ...options, env: { ...this.env, ...options.env } };
    try {
      return await run(process.execPath, [slipwayProgram, ...args], settings);
    } catch (error) {
      if (!isSlipwayError(error)) throw error;
      throw new Error(`slipway ${args.join(" ")}: ${error.message}\n${error.details.output ?? ""}`);
    }
  }

  /**
   * Runs a command over and over, and kills it (SIGKILL): the first run at its first journal point, the second at its second,
   * and so on, until one run reaches its end. @returns at how many points it was killed
   */
  killAtEveryPoint(args: string[]): Promise<number> {
    return this.#killAt(args, () => true);
  }

  /**
   * The same, at two of the four points between the work of one step and that of the next: before the entry that says the one is
   * done, and after the one that says the next has begun. The two between leave what the first leaves: only entries and lines of
   * the log are written there (runOperation), no step reads those, and Journal.lastRun, which a start asks for its first line,
   * says of all three that the run was killed in that step. An operation's own begin is a step of that kind, with no work.
   */
  killAtEveryState(args: string[]): Promise<number> {
    // Two points when an operation begins, four in each step, two at the end: between steps are 4n + 1 to 4n + 4.
    return this.#killAt(args, (point) => point % 4 < 2);
  }

  async #killAt(args: string[], isMeant: (point: number) => boolean): Promise<number> {
    let killed = 0;
    for (let point = 1; point < 200; point++) {
      if (!isMeant(point)) continue;
      const result = await this.slipway(args, {
        allowFailure: true,
        env: { SLIPWAY_TEST_KILL_AT_POINT: String(point) },
      });
      if (result.exitCode === 0) return killed;
      // -1: ended by the signal. Anything else is a failure of its own.
      if (result.exitCode !== -1) expect.fail(`at point ${point}: ${result.stderr}`);
      killed++;
    }
    return expect.fail("never came to its end");
  }

  /** Runs the cluster's own kubectl. */
  kubectl(profile: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
    return this.slipway(["kubectl", "-p", profile, "--", ...args], options);
  }

  /** Runs kubectl until it succeeds; the error of the last try otherwise. */
  async eventually(profile: string, args: string[], timeoutMs = 60_000): Promise<RunResult> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const result = await this.kubectl(profile, args, { allowFailure: true });
      if (result.exitCode === 0) return result;
      if (performance.now() > until) {
        const pods = await this.kubectl(profile, ["get", "pods", "-A", "-o", "wide"], { allowFailure: true });
        expect.fail(`kubectl ${args.join(" ")}: ${result.stderr}\n${pods.stdout}${pods.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** What a URL answers to curl in a Deployment's pod. */
  fetchFrom(profile: string, deployment: string, url: string, maxSeconds = 5): Promise<RunResult> {
    const curl = ["curl", "-sf", "--max-time", String(maxSeconds), url];
    return this.eventually(profile, ["exec", `deployment/${deployment}`, "--", ...curl]);
  }

  profileFile(profile: string, name: string): string {
    return join(this.env.XDG_STATE_HOME!, "slipway/profiles", profile, name);
  }

  /** SHA-256 of the cluster's authority: it must never change. */
  async caFingerprint(profile: string): Promise<string> {
    const pem = await readFile(this.profileFile(profile, "pki/ca.crt"));
    return createHash("sha256").update(pem).digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.slipway(["delete", "--all"], { allowFailure: true });
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** What of ours can be seen on the host: must be the same before a cluster and after its deletion. */
export async function hostState(): Promise<Record<string, string[]>> {
  const lines = async (file: string, args: string[]) =>
    (await run(file, args, { allowFailure: true })).stdout.split("\n").filter(Boolean).sort();
  const cgroups = await run(
    "find",
    ["/sys/fs/cgroup", "-maxdepth", "4", "-type", "d", "-path", "*slipway*"],
    {
      allowFailure: true,
    },
  );
  return {
    mounts: (await readFile("/proc/self/mountinfo", "utf8"))
      .split("\n")
      .map((line) => line.split(" ").slice(3).join(" "))
      .filter(Boolean)
      .sort(),
    links: (await lines("ip", ["-o", "link"])).map((line) => line.replace(/^\d+: /, "").split(":")[0]!),
    routes: await lines("ip", ["route", "show", "table", "all"]),
    rules: await lines("ip", ["rule"]),
    firewall: await lines("nft", ["list", "tables"]),
    cgroups: cgroups.stdout.split("\n").filter(Boolean),
    containers: await readdir("/run/slipway").catch(() => []),
    processes: (await processNames()).filter((name) =>
      /^(containerd|kube|etcd|coredns|runc|systemd$)/.test(name),
    ),
  };
}

async function processNames(): Promise<string[]> {
  const { stdout } = await run("ps", ["-eo", "stat=,comm="]);
  return (
    stdout
      .split("\n")
      .map((line) => line.trim())
      // What has ended and waits for the host's init to ask is nothing that runs.
      .filter((line) => !line.startsWith("Z"))
      .map((line) => line.replace(/^\S+\s+/, ""))
      .sort()
  );
}

/** A Deployment of agnhost's netexec behind a Service, both of one name. */
export const netexec = (
  name: string,
  { replicas = 1, node }: { replicas?: number; node?: string } = {},
): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name },
        spec: {
          replicas,
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: {
              ...(node ? { nodeSelector: { "kubernetes.io/hostname": node } } : {}),
              terminationGracePeriodSeconds: 1,
              containers: [
                {
                  name,
                  image: "slipway.local/agnhost:2.63.0",
                  args: ["netexec", "--http-port=8080"],
                  readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 },
                },
              ],
            },
          },
        },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name },
        spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
      },
    ],
  });
