import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../src/base/clock.js";
import { tftpFiles } from "../src/netboot/tftp/files.js";
import { startTftpServer } from "../src/netboot/tftp/server.js";
import { median, round } from "./stats.js";

/** blksize × windowsize. dnsmasq 2.90 does not know windows, and sends one block at a time whatever is asked. */
const shapes = { "512x1": [512, 1], "1468x1": [1468, 1], "1468x16": [1468, 16] } as const;
export type TftpShape = keyof typeof shapes;

/** Megabytes (10⁶ bytes) a second, and slipway's divided by dnsmasq's. */
export type TftpFigures = Record<TftpShape, { slipway: number; dnsmasq: number; ratio: number }>;

const megabytes = 32;
const [slipwayAddress, dnsmasqAddress] = ["127.0.69.1", "127.0.69.2"];

/**
 * One file from slipway's TFTP server and from dnsmasq's, in turn, by the same client (atftp) over loopback; needs root, for
 * port 69. The server runs in this process, which does nothing else meanwhile.
 *
 * @returns medians of the rates; the ratio is the median of the pairs' ratios
 */
export async function benchTftp({ runs = 5 }: { runs?: number } = {}): Promise<TftpFigures> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-tftp-"));
  const content = randomBytes(megabytes * 1_000_000 + 1);
  await writeFile(join(directory, "file"), content);
  const files = tftpFiles([["file", content]]);
  const slipway = await startTftpServer({
    address: slipwayAddress,
    files: () => files,
    observe: () => {},
    clock: systemClock,
  });
  const dnsmasq = startDnsmasq(directory);
  try {
    await untilServing(directory);
    const figures: Partial<TftpFigures> = {};
    for (const [shape, [blockSize, windowSize]] of Object.entries(shapes)) {
      const rate = (address: string) => measure(address, blockSize, windowSize, content, directory);
      await rate(slipwayAddress); // the first is not counted: code is compiled, files are cached
      await rate(dnsmasqAddress);
      const pairs: { slipway: number; dnsmasq: number }[] = [];
      for (let i = 0; i < runs; i++) {
        pairs.push({ slipway: await rate(slipwayAddress), dnsmasq: await rate(dnsmasqAddress) });
      }
      figures[shape as TftpShape] = {
        slipway: round(median(pairs.map((pair) => pair.slipway)), 1),
        dnsmasq: round(median(pairs.map((pair) => pair.dnsmasq)), 1),
        ratio: round(median(pairs.map((pair) => pair.slipway / pair.dnsmasq))),
      };
      console.error(`tftp ${shape}: ${JSON.stringify(figures[shape as TftpShape])}`);
    }
    return figures as TftpFigures;
  } finally {
    dnsmasq.kill();
    await slipway.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function startDnsmasq(root: string): ChildProcess {
  const args = [
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--port=0",
    "--user=root",
    "--log-facility=/dev/null",
  ];
  return spawn(
    "dnsmasq",
    [
      ...args,
      "--bind-interfaces",
      `--listen-address=${dnsmasqAddress}`,
      "--enable-tftp",
      `--tftp-root=${root}`,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
}

async function untilServing(directory: string): Promise<void> {
  await writeFile(join(directory, "probe"), "ready");
  for (let tries = 0; tries < 50; tries++) {
    if ((await fetchFile(dnsmasqAddress, "probe", [], join(directory, "probed"))) === 0) return;
    await delay(100);
  }
  throw new Error("dnsmasq does not serve");
}

async function measure(
  address: string,
  blockSize: number,
  windowSize: number,
  content: Buffer,
  directory: string,
): Promise<number> {
  const to = join(directory, "fetched");
  const asked = [`blksize ${blockSize}`, ...(windowSize > 1 ? [`windowsize ${windowSize}`] : [])];
  const started = performance.now();
  const exitCode = await fetchFile(address, "file", asked, to);
  const seconds = (performance.now() - started) / 1000;
  if (exitCode !== 0 || !(await readFile(to)).equals(content))
    throw new Error(`${address}: the file did not arrive whole`);
  return content.length / 1e6 / seconds;
}

async function fetchFile(address: string, file: string, asked: string[], to: string): Promise<number | null> {
  const options = asked.flatMap((option) => ["--option", option]);
  const client = spawn("atftp", [...options, "--get", "-r", file, "-l", to, address], { stdio: "ignore" });
  const [exitCode] = (await once(client, "close")) as [number | null];
  return exitCode;
}
