import type { Clock } from "../../base/clock.js";
import { isSlipwayError, messageOf } from "../../base/errors.js";
import type { DhcpLab } from "../dhcp/lab.js";
import type { LeaseStore } from "../dhcp/lease-store.js";
import { isIn } from "../dhcp/network.js";
import { type DhcpServer, startDhcpServer } from "../dhcp/server.js";
import { type DnsServer, startDnsServer } from "../dns/server.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { LabNetwork } from "../inventory/types.js";
import type { Observe } from "../observation.js";
import type { RouterSolicitations } from "../router-solicitations/answers.js";
import { openSolicitationSocket } from "../router-solicitations/socket.js";
import type { TftpFiles } from "../tftp/files.js";
import { startTftpServer, type TftpServer } from "../tftp/server.js";
import { dnsNames } from "./dns-names.js";

export interface NetworkServicesOptions {
  snapshot: () => Snapshot;
  networks: () => readonly LabNetwork[];
  lab: () => DhcpLab;
  leases: LeaseStore;
  solicitations: RouterSolicitations;
  files: () => TftpFiles;
  observe: Observe;
  clock: Clock;
}

/** What became of a network after a change of the lab. */
export interface NetworkChange {
  network: LabNetwork;
  /** failed: not all of it is served, see why; the rest is. */
  outcome: "served" | "gone" | "failed";
  why?: string;
  hint?: string;
}

interface Wanted {
  key: string;
  open: () => Promise<AsyncDisposable>;
}

/**
 * DHCP or proxyDHCP, TFTP and DNS on each network of a lab, as the lab is now. What cannot be opened leaves the rest as it is,
 * and is tried again at the next change.
 */
export class NetworkServices implements AsyncDisposable {
  readonly #options: NetworkServicesOptions;
  /** TFTP and DNS servers, by what they are. */
  readonly #open = new Map<string, AsyncDisposable>();
  readonly dhcp: DhcpServer;
  readonly #tftp = new Set<TftpServer>();
  readonly #dns = new Set<DnsServer>();
  #told = new Map<string, { network: LabNetwork; why: string }>();
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: NetworkServicesOptions, dhcp: DhcpServer) {
    this.#options = options;
    this.dhcp = dhcp;
  }

  /** @throws {SlipwayError} as the servers do, when one cannot listen; none does then */
  static async start(options: NetworkServicesOptions): Promise<NetworkServices> {
    const { lab, leases, observe, clock } = options;
    const services = new NetworkServices(
      options,
      await startDhcpServer({ lab, leases, observe, clock, probe: true }),
    );
    try {
      const [failed] = await services.#openListeners();
      if (failed) throw failed.error;
      services.#told = services.#state([]);
      return services;
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  /** Those that serve now. */
  get tftp(): TftpServer[] {
    return [...this.#tftp];
  }

  get dns(): DnsServer[] {
    return [...this.#dns];
  }

  /** Opens what the lab wants now, closes what it wants no more. */
  adjust(): Promise<NetworkChange[]> {
    const adjusted = this.#last.then(() => this.#adjust());
    this.#last = adjusted.catch(() => {}); // whoever asked is told
    return adjusted;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    await this.dhcp.close();
    await Promise.all([...this.#open.values()].map((server) => server[Symbol.asyncDispose]()));
    this.#open.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #adjust(): Promise<NetworkChange[]> {
    if (this.#closed) return [];
    const failed = [...(await this.#openListeners()), ...(await this.dhcp.refresh())];
    const before = this.#told;
    const now = this.#state(failed);
    this.#told = now;
    const changes: NetworkChange[] = [];
    for (const [key, { network }] of before) if (!now.has(key)) changes.push({ network, outcome: "gone" });
    for (const [key, { network, why, hint }] of now) {
      // What fails is told again after each try.
      if (why !== "") changes.push({ network, outcome: "failed", why, ...(hint ? { hint } : {}) });
      else if (before.get(key)?.why !== "") changes.push({ network, outcome: "served" });
    }
    return changes;
  }

  #state(failed: readonly Failed[]): Map<string, { network: LabNetwork; why: string; hint?: string }> {
    return new Map(
      this.#options.networks().map((network) => {
        const own = failed.filter(
          (failure) =>
            failure.address === network.address &&
            (failure.interface === undefined || failure.interface === network.interface),
        );
        const why = [...new Set(own.map(({ error }) => messageOf(error)))].join("; ");
        const hint = own.map(({ error }) => (isSlipwayError(error) ? error.hint : undefined)).find(Boolean);
        return [keyOf(network), { network, why, ...(hint === undefined ? {} : { hint }) }];
      }),
    );
  }

  async #openListeners(): Promise<Failed[]> {
    const wanted = this.#options
      .networks()
      .flatMap((network) =>
        this.#wanted(network).map(({ key, open }) => ({ key, open, address: network.address })),
      );
    const keys = new Set(wanted.map(({ key }) => key));
    const gone = [...this.#open].filter(([key]) => !keys.has(key));
    for (const [key, server] of gone) {
      this.#open.delete(key);
      await server[Symbol.asyncDispose]();
    }
    const failed: Failed[] = [];
    for (const { key, open, address } of wanted) {
      if (this.#open.has(key)) continue;
      try {
        this.#open.set(key, await open());
      } catch (error) {
        failed.push({ interface: undefined, address, error });
      }
    }
    return failed;
  }

  /** Networks that share this server's address share its TFTP and DNS servers. */
  #wanted(network: LabNetwork): Wanted[] {
    if (network.mode === "none" && network.interface === undefined) return [];
    const { snapshot, files, observe, clock, leases, lab } = this.#options;
    const { settings, dns } = snapshot();
    const { address } = network;
    const port = settings.tftp.port === undefined ? {} : { port: settings.tftp.port };
    const maxBlockSizeOf = (client: string) =>
      snapshot().machines.byAddress.get(client)?.quirks.includes("small-blocks") ? 1024 : undefined;
    const tftp = {
      key: `tftp ${address} ${settings.tftp.port}`,
      open: async () =>
        listed(
          this.#tftp,
          await startTftpServer({ address, ...port, files, maxBlockSizeOf, observe, clock }),
        ),
    };
    const common = [tftp, ...this.#solicitations(network)];
    if (!network.dns.includes(address)) return common;
    return [
      ...common,
      {
        key: `dns ${address} ${dns.forward}`,
        open: async () =>
          listed(
            this.#dns,
            await startDnsServer({
              address,
              names: () => dnsNames(snapshot(), leases, clock.now().getTime()),
              forward: dns.forward,
              // Not the way out for the whole world.
              serves: (client) =>
                client.startsWith("127.") || lab().networks.some(({ network: of }) => isIn(of, client)),
              observe,
              clock,
            }),
          ),
      },
    ];
  }

  /** Only where this server is who gives addresses: beside another one nobody asked it to speak of routers. */
  #solicitations({ mode, interface: name }: LabNetwork): Wanted[] {
    if (mode !== "dhcp" || name === undefined) return [];
    const { solicitations, observe, clock } = this.#options;
    const open = async () => {
      const socket = openSolicitationSocket(
        name,
        (solicitation) => solicitations.answer(solicitation, socket, clock.now().getTime()),
        (why) =>
          observe({
            time: clock.now().toISOString(),
            stage: "dhcp",
            what: "fault",
            outcome: "failed",
            details: { error: `iPXE waits for an IPv6 router: it cannot be told that there is none: ${why}` },
          }),
      );
      return socket;
    };
    return [{ key: `router-solicitations ${name}`, open }];
  }
}

/** In the list until it is closed. */
function listed<T extends AsyncDisposable>(list: Set<T>, server: T): AsyncDisposable {
  list.add(server);
  return {
    [Symbol.asyncDispose]() {
      list.delete(server);
      return server[Symbol.asyncDispose]();
    },
  };
}

interface Failed {
  interface: string | undefined;
  address: string;
  error: unknown;
}

const keyOf = ({ interface: name, address, subnet, mode }: LabNetwork): string =>
  [name, address, subnet, mode].join(" ");
