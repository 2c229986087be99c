import { expect } from "vitest";
import { netexec, type TestHome } from "../harness.js";

/** What a cluster of these tests has at the time of a snapshot, what is done to it afterwards, and how it is looked at. */
export class Subject {
  readonly #home: TestHome;
  readonly #profile: string;

  constructor(home: TestHome, profile: string) {
    this.#home = home;
    this.#profile = profile;
  }

  readonly #kubectl = (...args: string[]) => this.#home.kubectl(this.#profile, args);

  /** An app behind a Service, a ConfigMap and a Secret. */
  async make(): Promise<void> {
    await this.#home.kubectl(this.#profile, ["apply", "-f", "-"], { input: netexec("app") });
    await this.#kubectl("create", "configmap", "kept", "--from-literal=a=1");
    await this.#kubectl("create", "secret", "generic", "kept", "--from-literal=password=open sesame");
    await this.#kubectl("rollout", "status", "deployment/app", "--timeout=120s");
  }

  /** All of it goes, and something else comes. */
  async change(): Promise<void> {
    await this.#kubectl("delete", "deployment/app", "service/app", "configmap/kept", "secret/kept");
    await this.addLater();
  }

  async addLater(): Promise<void> {
    await this.#kubectl("create", "configmap", "later", "--from-literal=b=2");
  }

  async isLater(): Promise<boolean> {
    const { exitCode, stderr } = await this.#home.kubectl(this.#profile, ["get", "configmap", "later"], {
      allowFailure: true,
    });
    if (exitCode !== 0) expect(stderr).toContain("NotFound");
    return exitCode === 0;
  }

  /** Everything is as it was made, and works. */
  async expectAsMade(): Promise<void> {
    expect(await this.isLater()).toBe(false);
    const secret = await this.#kubectl("get", "secret", "kept", "-o", "jsonpath={.data.password}");
    expect(Buffer.from(secret.stdout, "base64").toString()).toBe("open sesame");
    const configMap = await this.#kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}");
    expect(configMap.stdout).toBe("1");
    const curl = ["curl", "-sf", "--max-time", "5", "http://app.default.svc.cluster.local/hostname"];
    const answer = await this.#home.eventually(
      this.#profile,
      ["exec", "deployment/app", "--", ...curl],
      90_000,
    );
    expect(answer.stdout).toMatch(/^app-/);
    // The controllers act on what is there now: one more pod is made, and found.
    await this.#kubectl("scale", "deployment/app", "--replicas=2");
    await this.#kubectl("rollout", "status", "deployment/app", "--timeout=90s");
    await this.#kubectl("scale", "deployment/app", "--replicas=1");
  }
}

export interface ListedSnapshot {
  name: string;
  reason: string;
  place: string;
  path: string;
  sha256: string;
  etcd: { revision: number; totalKey: number };
}

export const listSnapshots = async (home: TestHome, profile: string): Promise<ListedSnapshot[]> =>
  JSON.parse((await home.slipway(["snapshot", "list", "-p", profile, "-o", "json"])).stdout);
