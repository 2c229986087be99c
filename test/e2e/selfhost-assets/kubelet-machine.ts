import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { systemClock } from "../../../src/base/clock.js";
import type { Context } from "../../../src/base/context.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import type { RunOptions, RunResult } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import { clusterNetwork, machineSpec } from "../../../src/cluster/machine-spec.js";
import { resolveProfile } from "../../../src/cluster/request.js";
import { ensureNodeSoftware } from "../../../src/cluster/software.js";
import { issueMaterial } from "../../../src/plan/material.js";
import { kubeconfigPath, pki } from "../../../src/plan/places.js";
import { planCluster } from "../../../src/plan/plan.js";
import { materialFile } from "../../../src/selfhost/render/tls-files.js";
import { slipwayProgram, TestHome } from "../harness.js";

const node = "/opt/slipway/node";
const program = "/opt/slipway/dist/cli/main.js";

/**
 * A machine that runs containerd, a kubelet that joins by a bootstrap token, and etcd, and nothing else, with an asset directory:
 * what `selfhost start` expects to find. The built command line is inside of it, and runs there.
 */
export class KubeletMachine implements AsyncDisposable {
  readonly name: string;
  /** On the host; the machine sees it as /assets. */
  readonly assets: string;
  readonly address: string;
  readonly #scope: Scope;
  readonly #home: TestHome;
  readonly #driver: ReturnType<typeof hostDriver>;

  private constructor(
    name: string,
    assets: string,
    address: string,
    scope: Scope,
    home: TestHome,
    driver: ReturnType<typeof hostDriver>,
  ) {
    this.name = name;
    this.assets = assets;
    this.address = address;
    this.#scope = scope;
    this.#home = home;
    this.#driver = driver;
  }

  static async create(name: string): Promise<KubeletMachine> {
    const scope = new Scope();
    try {
      const home = await TestHome.create();
      scope.defer(() => home[Symbol.asyncDispose]());
      const assets = await mkdtemp(join(tmpdir(), "slipway-assets-"));
      scope.defer(() => rm(assets, { recursive: true, force: true }));
      const context: Context = {
        paths: resolvePaths({ ...process.env, ...home.env }, homedir()),
        events: discardEvents,
        signal: new AbortController().signal,
        clock: systemClock,
      };
      const { spec, facts } = await resolveProfile(
        {
          metadata: { name },
          bootstrapper: "selfhosted",
          extraConfig: { kubelet: { "bootstrap-kubeconfig": "/assets/auth/kubeconfig-kubelet" } },
        },
        { workingDirectory: home.directory },
        context,
      );
      const plan = planCluster(spec, facts);
      const [planned] = plan.nodes;
      await home.slipway([
        ...["selfhost", "render", "--asset-dir", assets, "--cluster-name", name],
        ...["--api-servers", `https://${planned!.address}:${spec.apiServer.port}`],
        ...["--pod-cidr", spec.network.podSubnet, "--service-cidr", spec.network.serviceSubnet],
        // The machine's own, as it is of a sandbox.
        ...["--network-provider", "none"],
      ]);
      const { material } = issueMaterial(
        { cluster: name, certificates: plan.certificates, kubeconfigs: plan.kubeconfigs },
        await authoritiesOf(assets),
        { now: new Date() },
      );
      const driver = hostDriver(context);
      const software = await ensureNodeSoftware(spec, {}, context);
      scope.defer(() => driver.deleteNetwork(name, context));
      scope.defer(() => driver.delete(name, planned!.name, context));
      await driver.ensureNetwork(clusterNetwork(spec), context);
      const machine = machineSpec(plan, planned!, software, material);
      const { storage = {} } = machine.config;
      // The authority's key comes with the assets, and the kubelet joins with their token.
      const others = [pki("ca.key"), kubeconfigPath("kubelet")];
      const files = storage.files?.filter(({ path }) => !others.includes(path)) ?? [];
      await driver.create(
        {
          ...machine,
          config: { ...machine.config, storage: { ...storage, files } },
          mounts: [
            { host: process.execPath, node, readOnly: true },
            { host: dirname(dirname(slipwayProgram)), node: dirname(dirname(program)), readOnly: true },
            { host: assets, node: "/assets", readOnly: false },
          ],
        },
        context,
      );
      await driver.start(name, planned!.name, context);
      return new KubeletMachine(name, assets, planned!.address, scope, home, driver);
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  exec(command: string[], options: RunOptions = {}): Promise<RunResult> {
    return this.#driver.exec(this.name, this.name, command, { timeoutMs: 240_000, ...options });
  }

  /** slipway beside the machine, in the directory of its assets. */
  slipway(args: string[], options: RunOptions = {}): Promise<RunResult> {
    return this.#home.slipway(args, { cwd: this.assets, ...options });
  }

  /** `slipway selfhost start` in the machine; gives back the result whatever the exit code is. */
  start(args: string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return this.exec([node, program, "selfhost", "start", "--asset-dir", "/assets", ...args], {
      allowFailure: true,
      ...options,
      env: { NO_COLOR: "1", SLIPWAY_HOME: "/root/slipway", ...options.env },
    });
  }

  async kubectl(args: string[]): Promise<string> {
    const kubeconfig = ["--kubeconfig", "/assets/auth/break-glass.kubeconfig"];
    const server = ["--server", "https://127.0.0.1:6443"];
    return (await this.exec(["kubectl", ...kubeconfig, ...server, ...args])).stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** The authorities of the assets, and what else is one for a whole cluster: what a machine's own certificates are signed under. */
async function authoritiesOf(assets: string): Promise<Map<string, string>> {
  const entries = await readdir(join(assets, "tls"), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(assets, join(entry.parentPath, entry.name)))
    .filter((path) => /^tls\/(etcd\/)?[^/]+\.(crt|key|pub)$/.test(path));
  return new Map(
    await Promise.all(
      files.map(
        async (path): Promise<[string, string]> => [
          materialFile(path),
          await readFile(join(assets, path), "utf8"),
        ],
      ),
    ),
  );
}
