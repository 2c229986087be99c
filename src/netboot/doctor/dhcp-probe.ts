import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { messageOf, systemCode } from "../../base/errors.js";
import { decodeDhcp, encodeDhcp } from "../dhcp/codec.js";
import { addressOption, messageTypeOf, option, textOption } from "../dhcp/options.js";
import type { Finding } from "./finding.js";

/** An answer to a DISCOVER. */
export interface Offer {
  server: string;
  /** What it would lease; `0.0.0.0` is a proxyDHCP's. */
  address: string;
  file?: string;
}

/** How long servers have to answer. Many look first whether the address is free: dnsmasq for 3 s. */
const patienceMs = 5000;

/**
 * Asks on the wire who leases addresses: a DISCOVER as a PXE firmware sends it, with a MAC that is nobody's, and listens
 * for offers. Nothing is requested, so nothing is leased.
 *
 * @param address the interface's: by it the broadcast leaves there
 * @throws what sockets throw: ports below 1024 are root's
 */
export async function probeDhcp(address: string, signal: AbortSignal): Promise<Offer[]> {
  // Locally administered, and no group's (IEEE 802 §8.2).
  const mac = Buffer.concat([Buffer.of(0x02), randomBytes(5)]);
  const xid = randomBytes(4).readUInt32BE();
  const offers = new Map<string, Offer>();
  const sockets: Socket[] = [];
  try {
    const receiver = await bound("0.0.0.0", sockets);
    receiver.on("message", (bytes) => {
      const offer = offerIn(bytes, xid);
      if (offer) offers.set(offer.server, offer);
    });
    const sender = await bound(address, sockets);
    sender.setBroadcast(true);
    const { bytes } = encodeDhcp(discover(mac, xid));
    // Twice: one may be lost.
    for (let i = 0; i < 2 && !signal.aborted; i++) {
      sender.send(bytes, 67, "255.255.255.255");
      await sleep(patienceMs / 2, signal);
    }
    return [...offers.values()];
  } finally {
    for (const socket of sockets) socket.close();
  }
}

const discover = (mac: Uint8Array, xid: number) => ({
  op: "request" as const,
  htype: 1,
  hops: 0,
  xid,
  secs: 4,
  broadcast: true,
  ciaddr: "0.0.0.0",
  yiaddr: "0.0.0.0",
  siaddr: "0.0.0.0",
  giaddr: "0.0.0.0",
  chaddr: mac,
  sname: "",
  file: "",
  options: new Map<number, Buffer>([
    [option.messageType, Buffer.of(1)],
    [option.vendorClass, Buffer.from("PXEClient:Arch:00007:UNDI:003016")],
    [option.clientArch, Buffer.of(0, 7)],
    [option.clientUndi, Buffer.of(1, 3, 16)],
    [option.parameterList, Buffer.of(1, 3, 6, 43, 54, 60, 66, 67)],
  ]),
});

function offerIn(bytes: Uint8Array, xid: number): Offer | undefined {
  const decoded = decodeDhcp(bytes);
  if ("invalid" in decoded) return undefined;
  const { packet } = decoded;
  if (packet.op !== "reply" || packet.xid !== xid || messageTypeOf(packet.options) !== "OFFER")
    return undefined;
  const file = packet.file || textOption(packet.options, option.bootFile);
  return {
    server: addressOption(packet.options, option.serverId) ?? packet.siaddr,
    address: packet.yiaddr,
    ...(file ? { file } : {}),
  };
}

async function bound(address: string, into: Socket[]): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  into.push(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port: 68, exclusive: true }, resolve);
  });
  socket.on("error", () => {});
  return socket;
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** @param own addresses of this machine */
export function offerFindings(offers: readonly Offer[], own: ReadonlySet<string>): Finding[] {
  const check = "other DHCP servers";
  const others = offers.filter(({ server }) => !own.has(server));
  const ours = offers.find(({ server }) => own.has(server));
  const self: Finding[] = ours
    ? [{ check: "DHCP here", result: "ok", found: `this machine answers by itself: ${told(ours)}` }]
    : [];
  if (others.length === 0)
    return [...self, { check, result: "ok", found: `none answered within ${patienceMs / 1000} s` }];
  return [
    ...self,
    ...others.map(
      (offer): Finding => ({
        check,
        result: "warning",
        found: `${offer.server} answers: ${told(offer)}`,
        fix: "if it is to stay, mode: proxy in lab.yaml serves beside it; if not, switch it off",
      }),
    ),
  ];
}

const told = ({ address, file }: Offer): string =>
  [
    address === "0.0.0.0" ? "boot information only" : `offers ${address}`,
    ...(file ? [`boot file ${file.replace(/\p{C}/gu, "\uFFFD")}`] : []),
  ].join(", ");

/** Why it could not be asked. */
export const probeFailed = (error: unknown): Finding => ({
  check: "other DHCP servers",
  result: "unknown",
  found: `cannot ask: ${systemCode(error) === "EACCES" ? "port 68 is root's" : messageOf(error)}`,
  fix:
    systemCode(error) === "EADDRINUSE"
      ? "stop the DHCP client that holds port 68, and ask again"
      : "run it as root",
});
