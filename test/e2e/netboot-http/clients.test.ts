import { once } from "node:events";
import { mkdir, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type RunOptions, type RunResult, run } from "../../../src/base/run.js";
import { Signer } from "../../../src/netboot/http/sign.js";
import { makeData, serve } from "./lab.js";

const data = await makeData();
const scratch = await mkdtemp(join(tmpdir(), "slipway-e2e-clients-"));
afterAll(async () => {
  await data[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

const curl = (...args: string[]): Promise<RunResult> =>
  run("curl", ["--silent", "--show-error", "--max-time", "60", ...args]);

test("curl: parts, resuming, only what is newer, HEAD", async () => {
  await using slipway = await serve(data.directory);
  const url = `http://127.0.0.1:${slipway.server.port}/assets/text`;
  expect((await curl("--range", "3-5", url)).stdout).toBe("345");
  expect((await curl("--range", "-2", url)).stdout).toBe("89");
  const file = join(scratch, "resumed");
  await writeFile(file, "0123");
  await curl("--continue-at", "-", "--output", file, url);
  expect(await readFile(file, "utf8")).toBe("0123456789");
  const status = ["--output", "/dev/null", "--write-out", "%{http_code} %{size_download}"];
  expect((await curl(...status, "--time-cond", "Sun, 13 Sep 2020 12:26:40 GMT", url)).stdout).toBe("304 0");
  const etag = join(scratch, "etag");
  await curl("--etag-save", etag, "--output", "/dev/null", url);
  expect((await curl(...status, "--etag-compare", etag, url)).stdout).toBe("304 0");
  expect((await curl("--head", url)).stdout).toContain("Content-Length: 10");
  expect((await curl("--location", `http://127.0.0.1:${slipway.server.port}/assets/sub`)).stdout).toBe(
    "<p>hello",
  );
});

test("a file of gigabytes is sent as it is read, to several at once, and in memory that stays small", async () => {
  await using slipway = await serve(data.directory);
  const big = join(data.assets, "big.raw");
  const size = 2_300_000_000;
  const file = await open(big, "w");
  await file.write("the end", size - 7);
  await file.close();
  await truncate(big, size);
  const url = `http://127.0.0.1:${slipway.server.port}/assets/big.raw`;
  expect((await curl("--range", `${size - 7}-`, url)).stdout).toBe("the end");
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const sizes = ["--output", "/dev/null", "--write-out", "%{http_code} %{size_download}"];
  const got = await Promise.all([curl(...sizes, url), curl(...sizes, url)]);
  clearInterval(watch);
  expect(got.map(({ stdout }) => stdout)).toEqual(Array(2).fill(`200 ${size}`));
  expect(most - before).toBeLessThan(300 * 1024 ** 2);
  await rm(big);
});

test("gpg verifies the signatures of all that is signed, errors too", async () => {
  const home = join(scratch, "gnupg");
  await mkdir(home, { mode: 0o700 });
  const gpg = (args: string[], options: RunOptions = {}) =>
    run("gpg", ["--batch", "--no-tty", "--pinentry-mode", "loopback", ...args], {
      ...options,
      env: { GNUPGHOME: home },
    });
  try {
    for (const [name, passphrase, algorithm] of [
      ["rsa", "secret words", "rsa3072"],
      ["ed", "", "ed25519"],
    ] as const) {
      await gpg([
        "--passphrase",
        passphrase,
        "--quick-gen-key",
        `${name}@boot.example`,
        algorithm,
        "sign",
        "0",
      ]);
      const ring = join(scratch, `${name}.ring`);
      const armor = name === "ed" ? ["--armor"] : [];
      await gpg([
        ...armor,
        "--passphrase",
        passphrase,
        "--output",
        ring,
        "--export-secret-keys",
        `${name}@boot.example`,
      ]);
      await using slipway = await serve(data.directory, { signer: await Signer.load(ring, passphrase) });
      const url = `http://127.0.0.1:${slipway.server.port}`;
      for (const path of [
        "ipxe",
        "boot.ipxe",
        "boot.ipxe.0",
        "grub",
        "ignition",
        "cloud",
        "generic",
        "metadata",
      ]) {
        await curl("--output", join(scratch, "document"), `${url}/${path}?mac=52-54-00-00-00-01`);
        for (const ending of ["sig", "asc"]) {
          await curl(
            "--fail",
            "--output",
            join(scratch, "signature"),
            `${url}/${path}.${ending}?mac=52-54-00-00-00-01`,
          );
          const verified = await gpg(["--verify", join(scratch, "signature"), join(scratch, "document")]);
          expect(verified.stderr).toContain("Good signature");
        }
      }
      const missing = "?kind=lost";
      await curl("--output", join(scratch, "document"), `${url}/ipxe${missing}`);
      const got = await curl(
        "--output",
        join(scratch, "signature"),
        "--write-out",
        "%{http_code}",
        `${url}/ipxe.sig${missing}`,
      );
      expect(got.stdout).toBe("404");
      await gpg(["--verify", join(scratch, "signature"), join(scratch, "document")]);
      await writeFile(join(scratch, "document"), "another");
      const forged = await gpg(["--verify", join(scratch, "signature"), join(scratch, "document")], {
        allowFailure: true,
      });
      expect(forged.stderr).toContain("BAD signature");
    }
    await expect(Signer.load(join(scratch, "rsa.ring"))).rejects.toMatchObject({
      code: "CERTIFICATE_INVALID",
    });
    await expect(Signer.load(join(scratch, "rsa.ring"), "wrong")).rejects.toThrow("another passphrase");
    await expect(Signer.load(join(scratch, "document"))).rejects.toThrow("cannot be read");
  } finally {
    await run("gpgconf", ["--kill", "all"], { env: { GNUPGHOME: home }, allowFailure: true });
  }
});

test("clients that send, or read, next to nothing do not hinder others, and are cut", async () => {
  await using slipway = await serve(data.directory, {
    limits: { headersTimeoutMs: 1500, idleTimeoutMs: 1500, maxConnectionsPerClient: 100 },
  });
  const { port } = slipway.server;
  await writeFile(join(data.assets, "large"), Buffer.alloc(32 * 1024 * 1024));
  expect((await stat(join(data.assets, "large"))).size).toBe(32 * 1024 * 1024);
  const sockets: Socket[] = [];
  // Of the two hundred from one address a hundred are let in.
  for (let i = 0; i < 200; i++) {
    const socket = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.66" });
    socket.on("error", () => {});
    socket.pause();
    sockets.push(socket);
    if (i % 2 === 0) socket.write(`GET /ipxe?n=${i} HTTP/1.1\r\nX-Slow: `);
    else socket.write("GET /assets/large HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  const dripping = setInterval(() => {
    for (const [i, socket] of sockets.entries()) if (i % 2 === 0 && socket.writable) socket.write("x");
  }, 100);
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, "connect") : undefined)));
  const script = (await curl(`http://127.0.0.1:${port}/ipxe`)).stdout;
  expect(script).toContain("#!ipxe");
  const part = await curl(
    "--range",
    "0-9",
    "--write-out",
    "%{http_code}",
    `http://127.0.0.1:${port}/assets/text`,
  );
  expect(part.stdout).toBe("0123456789206");
  while (slipway.server.connections().open > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(dripping);
  expect(slipway.server.connections().refused).toBe(100);
  for (const socket of sockets) socket.destroy();
});
