import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { Scope } from "../../base/scope.js";
import { startAdminServer } from "../admin/server.js";
import { lockLabState } from "../admin/state-directory.js";
import type { BootFile } from "../boot-files/ipxe.js";
import type { BootServer } from "../dhcp/boot-file.js";
import { type DhcpLab, dhcpLab } from "../dhcp/lab.js";
import { LeaseStore } from "../dhcp/lease-store.js";
import { isIn } from "../dhcp/network.js";
import { type DhcpServer, startDhcpServer } from "../dhcp/server.js";
import { startDnsServer } from "../dns/server.js";
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
import { tftpFiles } from "../tftp/files.js";
import { startTftpServer } from "../tftp/server.js";
import { EventStreams } from "../timeline/events.js";
import { Recorder } from "../timeline/recorder.js";
import { countServing, type ServingParts } from "./counts.js";
import { dnsNames } from "./dns-names.js";
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
 * Starts what a lab asks for: DHCP or proxyDHCP, TFTP and DNS on each of its networks, HTTP, gRPC.
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
    lives.take(observation);
    metrics.observation(observation);
    options.onObservation?.(observation);
  };

  const bootServer = (network: LabNetwork): BootServer => ({
    tftp: network.address,
    http: httpUrl(network),
    files: new Set(bootFiles.keys()),
  });
  let lab: DhcpLab;
  let dhcp: DhcpServer | undefined;
  function takeSnapshot(): void {
    lab = dhcpLab({
      networks: networks(),
      machines: snapshot().machines,
      boot: bootServer,
      netboots: (mac) => mac === undefined || lives.get(mac)?.state !== "retired",
    });
    // A network that cannot be listened on leaves the others as they are.
    dhcp?.refresh().catch((error: unknown) => observe(fault(error)));
  }
  takeSnapshot();
  onChange = takeSnapshot;

  const fault = (error: unknown): Observation => ({
    time: clock.now().toISOString(),
    stage: "dhcp",
    what: "new networks",
    outcome: "failed",
    details: { error: messageOf(error) },
  });

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
  const serving: ServingParts = {
    http: [scope.use(await startHttpServer({ ...http, address, port }))],
    tftp: [],
    dns: [],
    dhcp: () => dhcp,
    leases,
    recorder,
  };
  if (tls) {
    const at = { address: tls.address ?? address, port: tls.port ?? 8443, tls };
    serving.http.push(scope.use(await startHttpServer({ ...http, ...at })));
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
  const files = tftpFiles(bootFiles);
  for (const network of networks()) {
    if (network.mode === "none" && network.interface === undefined) continue;
    const smallBlocks = (client: string) =>
      snapshot().machines.byAddress.get(client)?.quirks.includes("small-blocks") ? 1024 : undefined;
    const { port: tftpPort } = settings.tftp;
    const tftp = await startTftpServer({
      address: network.address,
      ...(tftpPort === undefined ? {} : { port: tftpPort }),
      files: () => files,
      maxBlockSizeOf: smallBlocks,
      observe,
      clock,
    });
    serving.tftp.push(scope.use(tftp));
    if (network.dns.includes(network.address)) {
      const dns = await startDnsServer({
        address: network.address,
        names: () => dnsNames(snapshot(), leases, clock.now().getTime()),
        forward: snapshot().dns.forward,
        // Not the way out for the whole world.
        serves: (client) =>
          client.startsWith("127.") || lab.networks.some(({ network: of }) => isIn(of, client)),
        observe,
        clock,
      });
      serving.dns.push(scope.use(dns));
    }
  }
  if (networks().some(({ mode }) => mode !== "none")) {
    dhcp = scope.use(await startDhcpServer({ lab: () => lab, leases, observe, clock }));
  }
  countServing(metrics, serving);
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
