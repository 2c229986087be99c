import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import type { RunOptions } from "../../../src/base/run.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import type { TestHome } from "../harness.js";
import { statusOf } from "../selfhost-living/meanwhile.js";

/** A cluster with a self-hosted control plane of one node, which things go wrong with. */
export class FaultyCluster {
  readonly home: TestHome;
  readonly profile: string;

  constructor(home: TestHome, profile: string) {
    this.home = home;
    this.profile = profile;
  }

  /** slipway selfhost … for the cluster. */
  selfhost(args: string[], options?: RunOptions) {
    return this.home.slipway(["selfhost", ...args, "-p", this.profile], options);
  }

  system(...args: string[]) {
    return this.home.kubectl(this.profile, ["-n", "kube-system", ...args]);
  }

  async inNode(script: string): Promise<string> {
    return (await this.#driver().exec(this.profile, this.profile, ["/bin/sh", "-c", script])).stdout;
  }

  /** The machine is lost, with all that was on it. */
  async destroyMachine(): Promise<void> {
    await this.#driver().delete(this.profile, this.profile);
  }

  #driver() {
    return hostDriver({
      paths: { ...resolvePaths(this.home.env, "/root"), state: `${this.home.env.XDG_STATE_HOME}/slipway` },
      events: discardEvents,
      signal: new AbortController().signal,
      clock: systemClock,
    });
  }

  /** Every pod of the control plane is of that version and well, and nothing is left of what was under way. */
  async expectWell(version: string, bootstrapper: SelfhostStatus["bootstrapper"] = "selfhosted") {
    const odd = async () => (await statusOf(this.home, this.profile)).odd;
    // A copy that stood in for a pod goes a moment after that is back.
    await expect.poll(odd, { timeout: 60_000, interval: 1000 }).toEqual([]);
    const seen = await statusOf(this.home, this.profile);
    expect(seen.bootstrapper).toBe(bootstrapper);
    const pods = seen.pods.filter(({ component }) => component !== "pod-checkpointer");
    expect(new Set(pods.map((pod) => pod.version))).toEqual(new Set([version]));
    const left = await this.inNode(
      "ls -d /etc/kubernetes/bootstrap-* 2>/dev/null; nft list tables; ls /etc/kubernetes/manifests",
    );
    expect(left).not.toMatch(/bootstrap/);
  }

  /** The same from the first moment on that there is an etcd. */
  async slowEtcdOnceThere(): Promise<AsyncDisposable> {
    const until = performance.now() + 60_000;
    while (!(await this.inNode("systemctl is-active etcd").catch(() => ""))) {
      if (performance.now() > until) throw new Error("there is no etcd");
      await delay(100);
    }
    return this.slowEtcd();
  }

  /** A disk as etcd sees one that is slow: it stands still four fifths of the time. */
  async slowEtcd(): Promise<AsyncDisposable> {
    const pulse = "systemctl kill -s STOP etcd; sleep 0.4; systemctl kill -s CONT etcd; sleep 0.1";
    await this.inNode(`systemd-run --quiet --unit=slow-etcd /bin/sh -c 'while :; do ${pulse}; done'`);
    return {
      [Symbol.asyncDispose]: async () => {
        await this.inNode("systemctl stop slow-etcd; systemctl kill -s CONT etcd");
      },
    };
  }
}
