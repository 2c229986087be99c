import type { Decision } from "../decision.js";
import type { LabNetwork, Machine } from "../inventory/types.js";
import { answerDhcp, answerProxyRequest } from "./answer.js";
import type { DhcpPacket } from "./codec.js";
import { type DhcpLab, type DhcpLabOptions, dhcpLab } from "./lab.js";
import { LeaseTable } from "./lease-table.js";
import {
  bytesOfAddresses,
  type MessageType,
  messageTypes,
  option,
  textBytes,
  uint32Bytes,
} from "./options.js";
import type { DhcpAnswer } from "./turn.js";

/** For tests: a network of 10.88.0.0/24, machines on it, and clients that speak as real ones do. */
export const testNetwork: LabNetwork = {
  interface: "br0",
  address: "10.88.0.1",
  subnet: "10.88.0.0/24",
  mode: "dhcp",
  range: { first: "10.88.0.50", last: "10.88.0.59" },
  router: "10.88.0.1",
  dns: ["10.88.0.1"],
  ntp: [],
  domain: "lab.test",
  leaseSeconds: 3600,
  options: [],
};

export const testMachine = (name: string, mac: string, more: Partial<Machine> = {}): Machine => ({
  name,
  mac,
  labels: {},
  quirks: [],
  place: { file: "lab.yaml" },
  ...more,
});

export function testLab({
  networks = [testNetwork],
  machines = [],
  netboots,
}: {
  networks?: LabNetwork[];
  machines?: Machine[];
  netboots?: DhcpLabOptions["netboots"];
} = {}): DhcpLab {
  return dhcpLab({
    networks,
    machines: {
      byName: new Map(machines.map((machine) => [machine.name, machine])),
      byMac: new Map(machines.map((machine) => [machine.mac, machine])),
      byAddress: new Map(
        machines.flatMap((machine) => (machine.address ? [[machine.address, machine]] : [])),
      ),
    },
    boot: ({ address }) => ({
      tftp: address,
      http: `http://${address}:8080`,
      files: new Set(["undionly.kpxe", "ipxe.efi", "snponly.efi", "ipxe-arm64.efi"]),
    }),
    ...(netboots ? { netboots } : {}),
  });
}

export interface Said extends Partial<Omit<DhcpPacket, "options" | "chaddr">> {
  mac?: string;
  options?: Record<number, Uint8Array | string>;
}

/** A client's packet. Addresses among the options are texts, as is option 60. */
export function ask(
  type: MessageType | "BOOTP",
  { mac = "52:54:00:00:00:01", options = {}, ...fields }: Said = {},
): DhcpPacket {
  const said = new Map<number, Buffer>();
  if (type !== "BOOTP") said.set(option.messageType, Buffer.of(messageTypes.indexOf(type) + 1));
  for (const [code, value] of Object.entries(options)) {
    const isAddress = typeof value === "string" && /^\d+(\.\d+){3}$/.test(value);
    said.set(
      Number(code),
      isAddress ? bytesOfAddresses(value) : typeof value === "string" ? textBytes(value) : Buffer.from(value),
    );
  }
  return {
    op: "request",
    htype: 1,
    hops: 0,
    xid: 0x1234,
    secs: 0,
    broadcast: false,
    ciaddr: "0.0.0.0",
    yiaddr: "0.0.0.0",
    siaddr: "0.0.0.0",
    giaddr: "0.0.0.0",
    chaddr: Buffer.from(mac.replaceAll(":", ""), "hex"),
    sname: "",
    file: "",
    options: said,
    ...fields,
  };
}

/** A server without sockets and disk, whose time is set by hand. */
export class TestServer {
  lab: DhcpLab;
  now = Date.UTC(2026, 0, 1);
  readonly table = new LeaseTable();
  decisions: Decision[] = [];

  constructor(lab: DhcpLab = testLab()) {
    this.lab = lab;
    this.table.setNetworks(lab.networks);
  }

  change(lab: DhcpLab): void {
    this.lab = lab;
    this.table.setNetworks(lab.networks);
  }

  /** @param network number of the network */
  hear(
    packet: DhcpPacket,
    { port = 67, network = 0 }: { port?: 67 | 4011; network?: number } = {},
  ): DhcpAnswer {
    const served = this.lab.networks[network]!;
    this.decisions = [];
    const answer = (port === 67 ? answerDhcp : answerProxyRequest)(
      packet,
      {
        network: served.network,
        boot: served.boot,
        machines: this.lab.machines,
        netboots: this.lab.netboots,
        leases: this.table.view(served.network.subnet),
        now: this.now,
      },
      (decision) => this.decisions.push(decision),
    );
    if (answer.change) this.table.apply(answer.change);
    return answer;
  }

  /** DISCOVER, then REQUEST of what was offered; the address, or undefined when there was no offer or a NAK. */
  lease(said: Said = {}): string | undefined {
    const offer = this.hear(ask("DISCOVER", said)).reply?.packet;
    if (!offer) return undefined;
    const ack = this.hear(
      ask("REQUEST", {
        ...said,
        options: { ...said.options, [option.requestedAddress]: offer.yiaddr, [option.serverId]: "10.88.0.1" },
      }),
    );
    return ack.reply?.type === "ACK" ? ack.reply.packet.yiaddr : undefined;
  }
}

export const clientArch = (architecture: number): Uint8Array =>
  Buffer.of(architecture >> 8, architecture & 255);

export const seconds = (value: number): Uint8Array => uint32Bytes(value);
