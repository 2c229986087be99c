import { mutated, type Random } from "./random.js";

const mac = (random: Random) => `52:54:00:f2:${[0, 0].map(() => random.below(256).toString(16)).join(":")}`;
const paths: ((random: Random) => string)[] = [
  (random) => `/ipxe?mac=${mac(random)}`,
  (random) => `/ignition?mac=${mac(random)}&uuid=${random.below(1e6)}`,
  (random) => `/metadata?${"&k=v".repeat(random.below(100))}`,
  (random) => `/generic?x=${"%".repeat(random.below(5))}41`,
  () => "/boot.ipxe",
  () => "/cloud?os=installed",
  () => "/assets/kernel",
  () => "/assets/",
  (random) =>
    `/assets/${random.of(["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", "%c0%ae%c0%ae", "%252e%252e", "....//", "link-out"])}/${random.of(["etc/passwd", "lab.yaml", "../../etc/shadow", "%00"])}`,
  (random) => `/boot-files/${random.of(["undionly.kpxe", "../lab.yaml", "%2e%2e/x", ""])}`,
  (random) => `/${"a/".repeat(random.below(200))}`,
  (random) => `/${random.bytes(random.below(40)).toString("latin1")}`,
  () => "http://elsewhere.example/ipxe?mac=52:54:00:f2:00:01",
];

const headers: ((random: Random) => string)[] = [
  (random) =>
    `Range: bytes=${random.of(["0-", "-1", "5-2", "0-0,2-3", "99999999999999999999-", "0-99999999999", "x"])}`,
  (random) => `If-Range: ${random.of(['"x"', "Thu, 01 Jan 1970 00:00:00 GMT", "y"])}`,
  (random) => `If-Modified-Since: ${random.of(["0", "Thu, 01 Jan 2099 00:00:00 GMT"])}`,
  (random) => `Accept: ${"application/vnd.coreos.ignition+json;version=3.4.0, ".repeat(random.below(20))}*/*`,
  (random) => `X-${"y".repeat(random.below(300))}: ${"z".repeat(random.below(3000))}`,
  (random) =>
    `User-Agent: ${random
      .bytes(random.below(60))
      .toString("latin1")
      .replace(/[^\x20-\x7e]/g, "?")}`,
];

/** One that HTTP's grammar allows: others can follow it on its connection, and each is counted. */
export function httpRequest(random: Random): Buffer {
  const target = random
    .of(paths)(random)
    .replace(/[^\x21-\x7e]/g, "%20");
  const own = Array.from({ length: random.below(5) }, () => `${random.of(headers)(random)}\r\n`);
  return Buffer.from(
    `${random.of(["GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE"])} ${target} HTTP/1.1\r\nHost: a\r\n${own.join("")}\r\n`,
    "latin1",
  );
}

/** One that has its connection for itself: it is broken, has a body, or ends it. */
export function loneRequest(random: Random): Buffer {
  const whole = httpRequest(random);
  switch (random.below(8)) {
    case 0:
      return random.bytes(1 + random.below(400));
    case 1:
      return Buffer.from(`GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    case 2: {
      const body = `mac=${mac(random)}&stage=${random.of(["installed", "ready", "x"])}&message=${"m".repeat(random.below(20_000))}`;
      return Buffer.from(`POST /report HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
    case 3:
      return Buffer.from(
        `POST /report HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n${random.below(1e9).toString(16)}\r\nabc`,
      );
    case 4: {
      const ending = random.of(["Connection: close", "Expect: 100-continue", "Content-Length: 9"]);
      return Buffer.concat([whole.subarray(0, -2), Buffer.from(`${ending}\r\n\r\n`)]);
    }
    default:
      return mutated(whole, random, httpRequest(random));
  }
}
