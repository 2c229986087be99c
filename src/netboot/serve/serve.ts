import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { Scope } from "../../base/scope.js";
import { startAdminServer } from "../admin/server.js";
import { lockLabState } from "../admin/state-directory.js";
import type { BootFile } from "../boot-files/ipxe.js";
import { type ServedFiles, servedFiles } from "../boot-files/served-files.js";
import type { BootServer } from "../dhcp/boot-file.js";
import { type DhcpLab, dhcpLab } from "../dhcp/lab.js";
import { LeaseStore } from "../dhcp/lease-store.js";
import { startGrpcServer } from "../grpc/server.js";
import { NetbootMetrics } from "../http/metrics.js";
import { RenderedCache } from "../http/rendered.js";
import { startHttpServer } from "../http/server.js";
import type { Signer } from "../http/sign.js";
import { locateFindings } from "../inventory/lint/locate.js";
import { missingSettingsFiles } from "../inventory/lint/settings-files.js";
import { inventoryError } from "../inventory/problem.js";
import type { Snapshot } from "../inventory/snapshot.js";
import { InventoryStore } from "../inventory/store.js";
import type { LabNetwork } from "../inventory/types.js";
import { LiveInventory, type OnLoad } from "../inventory/watch.js";
import { lifeGuard } from "../life/guard.js";
import { Lives } from "../life/lives.js";
import { AddressOwners } from "../life/owners.js";
import type { Observation } from "../observation.js";
import { RouterSolicitations } from "../router-solicitations/answers.js";
import { EventStreams } from "../timeline/events.js";
import { Recorder } from "../timeline/recorder.js";
import { countServing } from "./counts.js";
import { type NetworkChange, NetworkServices } from "./network-services.js";
import { otherPaths } from "./other-paths.js";

export interface NetbootOptions {
  /** A directory with a lab.yaml, matchbox's layout, or both; or a lab.yaml. */
  lab: string;
  /** Where leases, machines and timelines are kept. */
  stateDirectory: string;
  /** iPXE's builds by name. */
  bootFiles: ReadonlyMap<string, BootFile>;
  /** For labs that name no network. */
  networks?: readonly LabNetwork[];
  /** Instead of the lab's own. */
  http?: { address?: string; port?: number };
  signer?: Signer;
  onLoad?: OnLoad;
  /** Told of networks that a change of the lab brought, or took away. */
  onNetworks?: (changes: readonly NetworkChange[]) => void;
  /** Told of everything that is seen. */
  onObservation?: (observation: Observation) => void;
}

/** A boot server that serves. */
export interface NetbootServer extends AsyncDisposable {
  snapshot(): Snapshot;
  networks(): readonly LabNetwork[];
  lives: Lives;
  recorder: Recorder;
  /** Where machines of a network reach the HTTP server; of the first one, unless said. */
  httpUrl(network?: LabNetwork): string;
  close(): Promise<void>;
}

/**
 * Starts what a lab asks for: DHCP or proxyDHCP, TFTP and DNS on each of its networks, HTTP, gRPC. Networks come and go with
 * the lab's changes; where HTTP and gRPC listen stays.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`; `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID` when it cannot listen;
 * `PROFILE_BUSY` when another server has the same lab
 */
export async function startNetboot(options: NetbootOptions, context: Context): Promise<NetbootServer> {
  const scope = new Scope();
  try {
    return await compose(options, context, scope);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function compose(
  options: NetbootOptions,
  { clock, owner }: Context,
  scope: Scope,
): Promise<NetbootServer> {
  const { stateDirectory } = options;
  const bootFiles = new Map([...options.bootFiles].map(([name, { bytes }]) => [name, bytes]));
  // First, as a lab that is not valid must leave no state behind.
  let onChange = (): void => {}; // until there is something to tell
  const inventory = await LiveInventory.open(options.lab, {
    onLoad: (load) => {
      if (load.live) onChange();
      options.onLoad?.(load);
    },
  });
  scope.defer(() => inventory[Symbol.dispose]());
  const snapshot = () => inventory.snapshot;
  const missing = await missingSettingsFiles(snapshot(), inventory.files.labName);
  if (missing.length > 0) {
    const { directory, path } = inventory.files;
    throw inventoryError(await locateFindings(missing, directory), path);
  }
  if (snapshot().networks.length > 0 && options.networks && options.networks.length > 0) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      "the lab names its networks itself, and another was given besides",
      {
        hint: "leave --interface out, or take the networks out of lab.yaml",
      },
    );
  }
  const lock = await lockLabState({ directory: stateDirectory, lab: options.lab }, owner);
  scope.defer(() => lock.release());
  const recorder = scope.use(await Recorder.open(stateDirectory, { owner }));
  const leases = scope.use(
    await LeaseStore.open(join(stateDirectory, "leases.ndjson"), { ...(owner ? { owner } : {}) }),
  );
  const networks = (): readonly LabNetwork[] =>
    snapshot().networks.length > 0 ? snapshot().networks : (options.networks ?? []);
  const { settings } = snapshot();
  const port = options.http?.port ?? settings.http.port ?? 8080;
  const httpUrl = (network: LabNetwork | undefined = networks()[0]) =>
    snapshot().settings.http.url ?? `http://${network?.address ?? "127.0.0.1"}:${port}`;

  const metrics = new NetbootMetrics();
  const owners = new AddressOwners();
  const solicitations = new RouterSolicitations();
  const lives = scope.use(
    await Lives.open({
      directory: stateDirectory,
      owner,
      clock,
      observe: (observation) => observe(observation),
      policy: () => snapshot().settings.approve,
      isDescribed: (mac) => snapshot().machines.byMac.has(mac),
      ownerOf: (address) =>
        snapshot().machines.byAddress.get(address)?.mac ??
        leases.ofAddress(address)?.mac ??
        owners.ownerOf(address),
    }),
  );
  const observe = (observation: Observation): void => {
    recorder.observe(observation);
    owners.take(observation);
    solicitations.take(observation);
    lives.take(observation);
    metrics.observation(observation);
    options.onObservation?.(observation);
  };

  const bootServer = (network: LabNetwork): BootServer => ({
    tftp: network.address,
    http: httpUrl(network),
    files: files.boot,
    own: snapshot().bootFiles,
    hasDirectory: snapshot().tftp !== undefined,
  });
  let files: ServedFiles;
  let lab: DhcpLab;
  let services: NetworkServices | undefined;
  function takeSnapshot(): void {
    files = servedFiles(snapshot(), bootFiles);
    lab = dhcpLab({
      networks: networks(),
      machines: snapshot().machines,
      boot: bootServer,
      netboots: (mac) => mac === undefined || lives.get(mac)?.state !== "retired",
    });
    void adjustNetworks();
  }
  takeSnapshot();
  onChange = takeSnapshot;

  async function adjustNetworks(): Promise<void> {
    const changes = (await services?.adjust()) ?? [];
    for (const { network, outcome, why = "" } of changes) {
      if (outcome === "failed") observe(notServed(network, why, clock.now()));
    }
    if (changes.length > 0) options.onNetworks?.(changes);
  }

  const rendered = new RenderedCache();
  metrics.cache(rendered);
  const streams = new EventStreams(recorder);
  scope.defer(() => streams.close());
  scope.use(await startAdminServer(stateDirectory, { lives, events: streams, owner }));
  const { tls } = settings.http;
  const http = {
    snapshot,
    state: { rendered, guard: lifeGuard(lives, { menu: settings.approve !== "auto" }) },
    ...(options.signer ? { signer: options.signer } : {}),
    metrics,
    observe,
    otherPaths: otherPaths({
      lives,
      bootFiles,
      events: () => (snapshot().settings.http.events ? streams : undefined),
    }),
    clock,
  };
  const address = options.http?.address ?? settings.http.address ?? "0.0.0.0";
  const servers = [scope.use(await startHttpServer({ ...http, address, port }))];
  if (tls) {
    const at = { address: tls.address ?? address, port: tls.port ?? 8443, tls };
    servers.push(scope.use(await startHttpServer({ ...http, ...at })));
  }
  const { grpc } = settings;
  if (grpc) {
    scope.use(
      await startGrpcServer({
        address: grpc.address ?? "0.0.0.0",
        port: grpc.port ?? 8081,
        tls: grpc,
        store: new InventoryStore(inventory),
        snapshot,
        clock,
      }),
    );
  }
  services = scope.use(
    await NetworkServices.start({
      snapshot,
      networks,
      lab: () => lab,
      leases,
      solicitations,
      files: () => files.tftp,
      observe,
      clock,
    }),
  );
  countServing(metrics, { http: servers, services, leases, recorder });
  // The lab may have changed meanwhile.
  await adjustNetworks();
  return {
    snapshot,
    networks,
    lives,
    recorder,
    httpUrl,
    close: () => scope[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

const notServed = (network: LabNetwork, why: string, now: Date): Observation => ({
  time: now.toISOString(),
  stage: "dhcp",
  what: `${network.interface ?? network.subnet} is not served`,
  outcome: "failed",
  details: { error: why },
});
