import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { boundInodes, isPortFree, portHolder } from "./ports.js";
import { reachableNameservers } from "./resolv-conf.js";

test("name servers that others can reach: no loopback, no scope, no nonsense", () => {
  const text = `# made by hand
nameserver 127.0.0.53
nameserver 10.0.0.53
  nameserver\t2001:db8::1
nameserver fe80::1%eth0
nameserver ::1
nameserver not-an-address
search example.org
`;
  expect(reachableNameservers(text)).toEqual(["10.0.0.53", "2001:db8::1"]);
  expect(reachableNameservers("")).toEqual([]);
});

test("a TCP port that is listened on is not free, and we are found as its holder", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = {
    address: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    protocol: "tcp" as const,
  };
  expect(await isPortFree(port)).toBe(false);
  expect(await isPortFree({ ...port, address: "0.0.0.0" })).toBe(false);
  expect(await portHolder(port)).toContain(`process ${process.pid}`);
  expect(await portHolder({ ...port, address: "0.0.0.0" })).toContain(`process ${process.pid}`);
  server.close();
  await once(server, "close");
  expect(await isPortFree(port)).toBe(true);
});

test("the same for UDP", async () => {
  const socket = createSocket("udp4");
  socket.bind(0, "0.0.0.0");
  await once(socket, "listening");
  const port = { address: "127.0.0.1", port: socket.address().port, protocol: "udp" as const };
  expect(await isPortFree(port)).toBe(false);
  expect(await portHolder(port)).toContain(`process ${process.pid}`);
  socket.close();
});

test("only sockets that listen there are found in the kernel's table", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0200A8C0:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   3: 0100007F:192B 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4714 1 0 100 0 0 10 0
`;
  expect(boundInodes(table, { address: "127.0.0.1", port: 6443, protocol: "tcp" })).toEqual(["4711", "4712"]);
  expect(boundInodes(table, { address: "0.0.0.0", port: 6443, protocol: "tcp" })).toHaveLength(3);
});
