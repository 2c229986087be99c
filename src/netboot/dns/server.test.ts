import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, encode } from "dns-packet";
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import { type DnsServerOptions, startDnsServer } from "./server.js";

const serve = (more: Partial<DnsServerOptions> = {}) =>
  startDnsServer({
    address: "127.0.0.1",
    port: 0,
    names: () => ({
      records: [{ name: "many.example", addresses: Array.from({ length: 8 }, (_, i) => `10.1.0.${i}`) }],
      domains: [],
      hostsNamed: () => [],
      hostAt: () => undefined,
    }),
    forward: [],
    observe: () => {},
    clock: systemClock,
    ...more,
  });

test("whose address is forged gets little more than was sent in its name: the rest is told to come by TCP", async () => {
  await using server = await serve({ limits: { maxAmplifiedBytes: 2000 } });
  const socket = createSocket("udp4");
  const sizes: number[] = [];
  const whole: boolean[] = [];
  socket.on("message", (answer) => {
    sizes.push(answer.length);
    whole.push(!decode(answer).flag_tc);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const query = encode({ type: "query", id: 1, questions: [{ type: "A", name: "many.example" }] });
  const began = systemClock.monotonicMs();
  for (let i = 0; i < 100; i++) socket.send(query, server.port, "127.0.0.1");
  await expect.poll(() => sizes.length).toBe(100);
  const seconds = 2 + Math.floor((systemClock.monotonicMs() - began) / 1000);
  expect(whole[0]).toBe(true);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(100 * query.length + 2000 * seconds);
  expect(whole.filter((each) => !each).length).toBeGreaterThan(50);
  socket.close();
});
