import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import type { RunResult } from "../../../src/base/run.js";
import { ensureComponents } from "../../../src/components/ensure.js";
import type { Observation } from "../../../src/netboot/observation.js";
import { tftpFiles } from "../../../src/netboot/tftp/files.js";
import { startTftpServer, type TftpServer } from "../../../src/netboot/tftp/server.js";
import { Neighbour } from "./neighbour.js";

// Real TFTP clients, each of another make, in a network namespace, against the server on its own port 69.

const bytes = (size: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 7)) & 0xff));
const sizes = [0, 1, 511, 512, 513, 1467, 1468, 1469, 100_000];
/** More than 65,535 blocks of 8 bytes: the block number starts again. */
const manyBlocks = bytes(8 * 66_000 + 5);
const text = "first\nsecond\r\nthird\rfourth\n";
const files = tftpFiles([
  ...sizes.map((size) => [`boot/${size}`, bytes(size)] as const),
  ["many", manyBlocks],
  ["large", bytes(3_000_000)],
  ["text", Buffer.from(text)],
]);

let neighbour: Neighbour;
let directory: string;
let busybox: string;
let servers: TftpServer[];
let seen: Observation[] = [];

beforeAll(async () => {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const components = await ensureComponents([{ name: "busybox", version: "1.35.0" }], {}, context);
  busybox = components.get("busybox")!.path;
  directory = await mkdtemp(join(tmpdir(), "slipway-tftp-"));
  neighbour = await Neighbour.create("tftp", 69);
  const options = {
    address: neighbour.address,
    files: () => files,
    observe: (observation: Observation) => seen.push(observation),
    clock: systemClock,
  };
  servers = [
    await startTftpServer(options),
    await startTftpServer({ ...options, port: 6969, singlePort: true }),
  ];
});
beforeEach(() => {
  seen = [];
});
afterAll(async () => {
  for (const server of servers ?? []) await server.close();
  await neighbour?.[Symbol.asyncDispose]();
  if (directory) await rm(directory, { recursive: true, force: true });
});

/** A client fetches `file` into `to`. */
type Fetch = (file: string, to: string, port: number) => Promise<RunResult>;
const clients: Record<string, Fetch> = {
  "tftp-hpa": (file, to, port) =>
    neighbour.run("tftp", ["-m", "binary", neighbour.address, String(port), "-c", "get", file, to]),
  atftp: (file, to, port) =>
    neighbour.run("atftp", ["--get", "-r", file, "-l", to, neighbour.address, String(port)]),
  "atftp with options": (file, to, port) => {
    const asked = ["tsize 0", "blksize 1468", "timeout 2"].flatMap((option) => ["--option", option]);
    return neighbour.run("atftp", [...asked, "--get", "-r", file, "-l", to, neighbour.address, String(port)]);
  },
  "atftp with windows": (file, to, port) => {
    const asked = ["blksize 1024", "windowsize 16"].flatMap((option) => ["--option", option]);
    return neighbour.run("atftp", [...asked, "--get", "-r", file, "-l", to, neighbour.address, String(port)]);
  },
  curl: (file, to, port) =>
    neighbour.run("curl", ["-sS", "-o", to, `tftp://${neighbour.address}:${port}/${file}`]),
  "curl with blocks of 1468": (file, to, port) =>
    neighbour.run("curl", [
      "-sS",
      "--tftp-blksize",
      "1468",
      "-o",
      to,
      `tftp://${neighbour.address}:${port}/${file}`,
    ]),
  "curl without options": (file, to, port) =>
    neighbour.run("curl", [
      "-sS",
      "--tftp-no-options",
      "-o",
      to,
      `tftp://${neighbour.address}:${port}/${file}`,
    ]),
  busybox: (file, to, port) =>
    neighbour.run(busybox, ["tftp", "-g", "-r", file, "-l", to, neighbour.address, String(port)]),
  "busybox with blocks of 1468": (file, to, port) =>
    neighbour.run(busybox, [
      "tftp",
      "-b",
      "1468",
      "-g",
      "-r",
      file,
      "-l",
      to,
      neighbour.address,
      String(port),
    ]),
};

async function fetched(client: Fetch, file: string, port = 69): Promise<Buffer> {
  const to = join(directory, "fetched");
  await rm(to, { force: true });
  const result = await client(file, to, port);
  if (result.exitCode !== 0) expect.fail(`exit code ${result.exitCode}: ${result.stderr}`);
  return await readFile(to).catch(() => Buffer.alloc(0)); // some make no file for nothing
}

describe.each(Object.entries(clients))("%s", (name, client) => {
  test.each([69, 6969])("fetches files of all sizes (port %i)", async (port) => {
    // curl takes an empty file for an error when it may ask for the size.
    const fetchable = /^curl(?! without)/.test(name) ? sizes.slice(1) : sizes;
    for (const size of fetchable) {
      const got = await fetched(client, `boot/${size}`, port);
      expect(got.equals(bytes(size)), `${size} bytes`).toBe(true);
    }
    expect(seen.map(({ what, outcome }) => `${what} ${outcome}`)).toEqual(
      fetchable.map((size) => `boot/${size} ok`),
    );
    expect(seen.map(({ bytes }) => bytes)).toEqual(fetchable);
    if (name.includes("1468")) expect(seen.at(-1)?.details).toMatchObject({ blksize: "1468" });
    if (name.includes("windows")) expect(seen.at(-1)?.details).toMatchObject({ windowsize: "16" });
  });
});

test.each([
  ["curl", ["curl", "-sS", "--tftp-blksize", "8", "-o"]],
  ["atftp", ["atftp", "--option", "blksize 8", "--get", "-r", "many", "-l"]],
])("the block number starts again (%s)", async (name, [program, ...args]) => {
  const to = join(directory, "fetched");
  const where = name === "curl" ? [`tftp://${neighbour.address}/many`] : [neighbour.address];
  const { stderr } = await neighbour.run(program!, [...args, to, ...where]);
  expect((await readFile(to)).equals(manyBlocks), stderr).toBe(true);
  expect(seen.at(-1)).toMatchObject({ what: "many", outcome: "ok", bytes: manyBlocks.length });
});

test("netascii: the lines of a text, as the client's system ends them", async () => {
  const got = await fetched(
    (file, to) => neighbour.run("tftp", ["-m", "ascii", neighbour.address, "-c", "get", file, to]),
    "text",
  );
  expect(got.toString()).toBe(text);
  expect(seen).toMatchObject([{ bytes: text.length + 5, details: { mode: "netascii" } }]);
});

test("fifty clients at a time", async () => {
  const expected = files.get("large") as Buffer;
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const to = join(directory, `large-${i}`);
      const args = ["-sS", "--tftp-blksize", "1468", "-o", to];
      await neighbour.run("curl", [...args, `tftp://${neighbour.address}/large`]);
      return (await readFile(to).catch(() => Buffer.alloc(0))).equals(expected);
    }),
  );
  expect(outcomes.filter(Boolean)).toHaveLength(50);
});

test.each([
  ["a path out of it", "../../../../etc/passwd", 2],
  ["an absolute path", "/etc/passwd", 1],
  ["a name with backslashes", "..\\..\\etc\\passwd", 2],
  ["a directory", "boot", 1],
])("%s gives nothing", async (_, path, code) => {
  const to = join(directory, "nothing");
  const url = `tftp://${neighbour.address}/${encodeURIComponent(path).replaceAll("%2F", "/")}`;
  const { exitCode } = await neighbour.run("curl", ["-sS", "--path-as-is", "-o", to, url]);
  expect(exitCode).toBe({ 1: 68, 2: 69 }[code]); // curl's codes for TFTP errors 1 and 2
  expect(await readFile(to).catch(() => Buffer.alloc(0))).toEqual(Buffer.alloc(0));
  expect(seen.at(-1)).toMatchObject({ outcome: "refused" });
});

test("nothing can be written", async () => {
  const from = join(directory, "upload");
  await writeFile(from, "mine");
  const { exitCode, stderr, stdout } = await neighbour.run("curl", [
    "-sS",
    "-T",
    from,
    `tftp://${neighbour.address}/many`,
  ]);
  expect(exitCode, stdout + stderr).toBe(69);
  expect(seen).toMatchObject([{ what: "many", outcome: "refused" }]);
});

test("a name too long for a request is refused", async () => {
  const { exitCode } = await neighbour.run("curl", [
    "-sS",
    "--max-time",
    "3",
    `tftp://${neighbour.address}/${"a".repeat(490)}`,
  ]);
  expect(exitCode).not.toBe(0);
  expect(seen.every(({ outcome }) => outcome === "refused")).toBe(true);
});

test("a client that was killed is given up when the next packet finds its port closed", async () => {
  await neighbour.run("sh", [
    "-c",
    `atftp --option "blksize 8" --option "timeout 1" --get -r many -l /dev/null ${neighbour.address} & sleep 0.3; kill -9 $!`,
  ]);
  while (seen.length === 0) await systemClock.sleep(20);
  expect(seen).toMatchObject([{ what: "many", outcome: "failed" }]);
  expect(servers[0]!.counters().sessions).toBe(0);
});
