/*
 * Says packets over UDP to the server, one after the other: say.mjs OWN_ADDRESS OWN_PORT SERVER_PORT HEX... Prints what came
 * back within 300 ms of each, in hex, a line each; empty: nothing.
 */
import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";

const [own = "", ownPort = "", port = "", ...packets] = process.argv.slice(2);
for (const packet of packets) {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(Number(ownPort), own, resolve));
  let answer = "";
  socket.once("message", (bytes) => {
    answer = bytes.toString("hex");
  });
  socket.send(Buffer.from(packet, "hex"), Number(port), "10.88.0.1");
  await delay(300);
  socket.close();
  process.stdout.write(`${answer}\n`);
}
