import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type RunResult, run } from "../../src/base/run.js";
import { credentialsFromKubeconfig, type KubeCredentials } from "../../src/kube/credentials.js";
import type { TestHome } from "./harness.js";

/** A member of etcd: whether it has a vote, or is a learner. */
export interface Member {
  name: string;
  id: string;
  votes: boolean;
}

/** The control-plane nodes of a test's cluster, looked at past the API. */
export class ControlPlanes {
  readonly #home: TestHome;
  readonly #profile: string;

  constructor(home: TestHome, profile: string) {
    this.#home = home;
    this.#profile = profile;
  }

  async credentials(): Promise<KubeCredentials> {
    return credentialsFromKubeconfig(
      await readFile(this.#home.profileFile(this.#profile, "kubeconfig"), "utf8"),
    );
  }

  /** The host that the kubeconfig names. */
  endpoint = async (): Promise<string> => new URL((await this.credentials()).server).hostname;

  inNode(node: string, command: string[], allowFailure = false): Promise<RunResult> {
    const exec = ["--root", "/run/slipway", "exec", `${this.#profile}.${node}`, ...command];
    return run("runc", exec, { allowFailure });
  }

  etcdctl(node: string, args: string[], allowFailure = false): Promise<RunResult> {
    const pki = "/etc/kubernetes/pki";
    const access = [
      "--endpoints=https://127.0.0.1:2379",
      `--cacert=${pki}/etcd/ca.crt`,
      `--cert=${pki}/apiserver-etcd-client.crt`,
      `--key=${pki}/apiserver-etcd-client.key`,
    ];
    return this.inNode(node, ["/usr/local/bin/etcdctl", ...access, ...args], allowFailure);
  }

  /** By name. */
  async members(node: string): Promise<Member[]> {
    const { stdout } = await this.etcdctl(node, ["member", "list"]);
    return stdout
      .trim()
      .split("\n")
      .map((line) => line.split(", "))
      .map(([id, , name, , , learner]) => ({ id: id!, name: name!, votes: learner === "false" }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Makes a node's etcd the leader. */
  async giveLead(to: string, nodes: readonly string[]): Promise<void> {
    const { id } = (await this.members(to)).find(({ name }) => name === to)!;
    for (const node of nodes) await this.etcdctl(node, ["move-leader", id], true); // only the leader obeys
  }

  /** The node that holds the endpoint's address. */
  async holder(nodes: readonly string[]): Promise<string> {
    const endpoint = await this.endpoint();
    for (const node of nodes) {
      const { stdout } = await this.inNode(node, ["ip", "-o", "address"], true);
      if (stdout.includes(` ${endpoint}/`)) return node;
    }
    return expect.fail(`no node has the address ${endpoint}`);
  }

  cutPower = (node: string): Promise<RunResult> =>
    run("runc", ["--root", "/run/slipway", "kill", `${this.#profile}.${node}`, "KILL"]);
}
