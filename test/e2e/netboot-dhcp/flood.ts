/*
 * Packets that nobody should send: flood.mjs ADDRESS COUNT SEED. Whole ones with some bytes changed, cut ones, and noise, as
 * many as the wire takes, to ports 67 and 4011.
 */
import { createSocket } from "node:dgram";
import { setImmediate as turn } from "node:timers/promises";
import { encodeDhcp } from "../../../src/netboot/dhcp/codec.js";
import { ask, clientArch } from "../../../src/netboot/dhcp/testing.js";

const [address = "", count = "", seed = ""] = process.argv.slice(2);
let state = Number(seed) || 1;
/** xorshift32: the same seed, the same packets. */
const random = (below: number): number => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
};

const types = ["DISCOVER", "REQUEST", "DECLINE", "RELEASE", "INFORM", "BOOTP"] as const;
const socket = createSocket("udp4");
await new Promise<void>((resolve) => socket.bind(0, resolve));
for (let i = 0; i < Number(count); i++) {
  const mac = Array.from({ length: 6 }, () => random(256).toString(16).padStart(2, "0")).join(":");
  const options = {
    50: Buffer.of(10, 88, 0, random(256)),
    54: Buffer.of(10, 88, 0, random(4)),
    60: "PXEClient:Arch:00007:UNDI:003016",
    61: Buffer.from(Array.from({ length: random(20) }, () => random(256))),
    77: "iPXE",
    82: Buffer.from(Array.from({ length: random(300) }, () => random(256))),
    93: clientArch(random(20)),
  };
  const { bytes } = encodeDhcp(ask(types[random(types.length)]!, { mac, options, xid: random(2 ** 32) }));
  for (let changes = random(12); changes > 0; changes--) bytes[random(bytes.length)] = random(256);
  const part = random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
  socket.send(part, random(10) === 0 ? 4011 : 67, address);
  if (socket.getSendQueueCount() > 0 || i % 64 === 0) await turn();
}
socket.close();
