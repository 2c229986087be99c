import type { Clock } from "../../base/clock.js";
import { type ServedFiles, servedFiles } from "../boot-files/served-files.js";
import type { Decision } from "../decision.js";
import { answerDhcp, answerProxyRequest } from "../dhcp/answer.js";
import { bootFilesPath } from "../dhcp/boot-file.js";
import { type DhcpPacket, decodeDhcp, encodeDhcp, roomOf } from "../dhcp/codec.js";
import { type DhcpLab, dhcpLab, networkFor, type ServedNetwork } from "../dhcp/lab.js";
import { LeaseTable } from "../dhcp/lease-table.js";
import type { DhcpAnswer } from "../dhcp/turn.js";
import { type HttpRequest, notFound, type RequestFacts } from "../http/answer.js";
import { openAsset } from "../http/assets.js";
import { answerHttp, type HttpState } from "../http/handler.js";
import { RenderedCache } from "../http/rendered.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { LabNetwork } from "../inventory/types.js";
import { lifeGuard } from "../life/guard.js";
import { Lives } from "../life/lives.js";
import { answerRequest, type TftpAnswer } from "../tftp/answer.js";
import { decodePacket } from "../tftp/codec.js";
import { defaultTftpLimits } from "../tftp/server.js";

export interface UnpluggedOptions {
  snapshot: Snapshot;
  /** The lab's, or one that was named beside it; none: only HTTP is served. */
  networks: readonly LabNetwork[];
  /** iPXE's builds by name. */
  bootFiles: ReadonlyMap<string, Buffer>;
  clock: Clock;
}

/** An answer to a DHCP packet, as it would go out. */
export interface HeardDhcp {
  /** Undefined: the bytes are no request. */
  answer?: DhcpAnswer;
  bytes?: Buffer;
  because?: string;
  decisions: Decision[];
}

export interface HeardHttp {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
  /** Of the whole body, also where it was not read. */
  bytes: number;
  facts: RequestFacts;
  error?: string;
  decisions: Decision[];
}

/**
 * The server of a lab with all its handlers, and without sockets and state: leases and machines' lives begin now, in memory,
 * and end with it. Assets are looked up where they are.
 */
export class UnpluggedServer implements AsyncDisposable {
  readonly snapshot: Snapshot;
  readonly networks: readonly LabNetwork[];
  readonly lives: Lives;
  readonly #bootFiles: ReadonlyMap<string, Buffer>;
  readonly #files: ServedFiles;
  readonly #clock: Clock;
  readonly #lab: DhcpLab;
  readonly #leases = new LeaseTable();
  readonly #state: HttpState;

  constructor({ snapshot, networks, bootFiles, clock }: UnpluggedOptions) {
    this.snapshot = snapshot;
    this.networks = networks;
    this.#bootFiles = bootFiles;
    this.#files = servedFiles(snapshot, bootFiles);
    this.#clock = clock;
    this.lives = Lives.inMemory({
      clock,
      observe: () => {},
      policy: () => snapshot.settings.approve,
      isDescribed: (mac) => snapshot.machines.byMac.has(mac),
      ownerOf: (address) =>
        snapshot.machines.byAddress.get(address)?.mac ??
        this.#leases.ofAddress(address)?.mac ??
        this.#neighbours.get(address),
    });
    this.#lab = dhcpLab({
      networks,
      machines: snapshot.machines,
      boot: (network) => ({
        tftp: network.address,
        http: this.httpUrl(network),
        files: this.#files.boot,
        own: snapshot.bootFiles,
        hasDirectory: snapshot.tftp !== undefined,
      }),
      netboots: (mac) => mac === undefined || this.lives.get(mac)?.state !== "retired",
    });
    this.#leases.setNetworks(this.#lab.networks);
    this.#state = {
      rendered: new RenderedCache(),
      signs: false,
      guard: lifeGuard(this.lives, { menu: snapshot.settings.approve !== "auto" }),
    };
  }

  /** Where machines of a network reach the HTTP server. */
  httpUrl(network: LabNetwork | undefined = this.networks[0]): string {
    const { http } = this.snapshot.settings;
    return http.url ?? `http://${network?.address ?? "127.0.0.1"}:${http.port ?? 8080}`;
  }

  /** Addresses that another DHCP server gave, as the kernel's neighbour table has them of machines that speak to us. */
  readonly #neighbours = new Map<string, string>();

  gaveAddress(mac: string, address: string): void {
    this.#neighbours.set(address, mac);
  }

  /** @param port 67, or 4011 of proxyDHCP */
  hearDhcp(bytes: Uint8Array, heardOn: string | undefined, port: 67 | 4011 = 67): HeardDhcp {
    const decisions: Decision[] = [];
    const decoded = decodeDhcp(bytes);
    if ("invalid" in decoded) return { because: `it is no DHCP packet: ${decoded.invalid}`, decisions };
    const { packet } = decoded;
    const served = networkFor(this.#lab, packet, heardOn);
    if (!served) return { because: "it comes from none of the lab's networks", decisions };
    const answer = (port === 67 ? answerDhcp : answerProxyRequest)(packet, this.#view(served), (decision) =>
      decisions.push(decision),
    );
    if (answer.change) this.#leases.apply(answer.change);
    return {
      answer,
      decisions,
      ...(answer.reply ? { bytes: encodeDhcp(answer.reply.packet, roomOf(packet)).bytes } : {}),
      ...(answer.because === undefined ? {} : { because: answer.because }),
    };
  }

  #view({ network, boot }: ServedNetwork) {
    const { machines, netboots } = this.#lab;
    const leases = this.#leases.view(network.subnet);
    return { network, boot, machines, netboots, leases, now: this.#clock.now().getTime() };
  }

  /** @returns undefined when the packet is no request */
  hearTftp(bytes: Buffer, client: string): TftpAnswer | undefined {
    const packet = decodePacket(bytes);
    if (packet?.type !== "read" && packet?.type !== "write") return undefined;
    const small = this.snapshot.machines.byAddress.get(client)?.quirks.includes("small-blocks");
    const { maxBlockSize, maxWindowSize } = defaultTftpLimits;
    const limits = { maxBlockSize: small ? 1024 : maxBlockSize, maxWindowSize };
    return answerRequest(packet, this.#files.tftp, limits);
  }

  async hearHttp(request: HttpRequest): Promise<HeardHttp> {
    const decisions: Decision[] = [];
    const answer = answerHttp(request, this.snapshot, this.#state, (decision) => decisions.push(decision));
    if (answer.type === "asset") return { ...(await this.#asset(answer, request)), decisions };
    if (answer.type === "bytes") {
      await answer.ready;
      const { status, headers, body } = answer.response;
      answer.ended?.(true);
      const error = answer.facts.error === undefined ? {} : { error: answer.facts.error };
      return {
        ...headed(status, headers),
        body,
        bytes: body.length,
        facts: answer.facts,
        ...error,
        decisions,
      };
    }
    const facts = answer.type === "signature" ? answer.of.facts : answer.facts;
    const name =
      answer.type === "unknown" && answer.path.startsWith(`${bootFilesPath}/`)
        ? answer.path.slice(bootFilesPath.length + 1)
        : undefined;
    const file = name === undefined ? undefined : this.#bootFiles.get(name);
    if (file) {
      const head = headed(200, ["Content-Type", "application/efi", "Content-Length", String(file.length)]);
      return { ...head, body: Buffer.alloc(0), bytes: file.length, facts, decisions };
    }
    const { status, headers, body } = notFound;
    return { ...headed(status, headers), body, bytes: body.length, facts, error: "no such path", decisions };
  }

  async #asset(...[answer, { headers }]: [Parameters<typeof openAsset>[0], HttpRequest]) {
    const found = await openAsset(answer, headers);
    if ("file" in found) {
      await found.file.close();
      const { start, end } = found;
      return {
        ...headed(found.head.status, found.head.headers),
        body: Buffer.alloc(0),
        bytes: end - start,
        facts: answer.facts,
      };
    }
    const { status, headers: head, body } = found.response;
    const error = found.error === undefined ? {} : { error: found.error };
    return { ...headed(status, head), body, bytes: body.length, facts: answer.facts, ...error };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lives.close();
  }
}

const headed = (status: number, headers: readonly string[]) => ({
  status,
  headers: Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), headers[i + 1]!]] : [])),
  ) as Record<string, string>,
});

/** The packet of bytes that were encoded here or taken from a wire. */
export function packetOf(bytes: Uint8Array): DhcpPacket | undefined {
  const decoded = decodeDhcp(bytes);
  return "packet" in decoded ? decoded.packet : undefined;
}
