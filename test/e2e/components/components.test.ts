import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError } from "../../../src/base/errors.js";
import { run, start } from "../../../src/base/run.js";
import { fetchFrom } from "../../../src/components/acquire.js";
import { createBundle, loadBundle } from "../../../src/components/bundle.js";
import { findComponent, refOf } from "../../../src/components/catalog.js";
import type { Component } from "../../../src/components/catalog-entry.js";
import type { StoredComponent } from "../../../src/components/component.js";
import { goModuleSource } from "../../../src/components/sources/go-module.js";
import { upstreamSource } from "../../../src/components/sources/upstream.js";
import { listComponents, storeFile } from "../../../src/components/store.js";
import { TestContext, testComponent } from "../../../src/components/test-context.js";
import { TestProxy } from "../../../src/components/test-proxy.js";
import { createAuthority } from "../../../src/pki/authority.js";
import { issueCertificate } from "../../../src/pki/certificate.js";
import { bundle } from "../bundle.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

const content = Buffer.alloc(8 * 1024 * 1024, "released ");
const sha256 = createHash("sha256").update(content).digest("hex");

/** A release server that counts how many bytes of the file it was asked for, and sends the first ones only when told to hold. */
async function serveRelease({ hold }: { hold: boolean }) {
  const state = { asked: [] as string[], hold, held: undefined as ServerResponse | undefined };
  const url = await context.serve((request, response) => {
    if (request.url === "/tool.sha256") return response.end(sha256);
    state.asked.push(request.headers.range ?? "all");
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from ? 206 : 200, { "content-length": content.length - from, ...(from ? range : {}) });
    if (!state.hold) return response.end(content.subarray(from));
    state.held = response;
    return response.write(content.subarray(from, from + 3_000_000));
  });
  const upstream = { url: `${url}/{name}`, checksumUrl: `${url}/{name}.sha256` };
  return { state, component: testComponent("tool", { upstream }) };
}

const bundleDriver = (): Promise<string> => bundle(join(import.meta.dirname, "driver.ts"), context.directory);

interface DriverAnswer {
  stored?: StoredComponent;
  error?: { code: string; hint: string; details: Record<string, string> };
}

const drive = async (driver: string, component: Component, env: Record<string, string> = {}) => {
  const args = [driver, context.paths.cache, JSON.stringify(component)];
  return JSON.parse((await run(process.execPath, args, { env })).stdout) as DriverAnswer;
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("two processes that want the same component share one download", async () => {
  const driver = await bundleDriver();
  const { state, component } = await serveRelease({ hold: false });
  const answers = await Promise.all([drive(driver, component), drive(driver, component)]);
  expect(state.asked).toEqual(["all"]);
  expect(answers[0]?.stored?.sha256).toBe(sha256);
  expect(answers[1]).toEqual(answers[0]);
});

test("a download that was killed goes on where it was", async () => {
  const driver = await bundleDriver();
  const { state, component } = await serveRelease({ hold: true });
  const first = start(process.execPath, [driver, context.paths.cache, JSON.stringify(component)], {
    stdio: "ignore",
  });
  const part = join(context.paths.cache, "components/incoming/tool@v1.0.0/tool.download.part");
  await until(async () => ((await stat(part).catch(() => undefined))?.size ?? 0) >= 2_000_000);
  first.kill("SIGKILL");
  await first;
  expect(await listComponents(context)).toEqual([]);
  state.hold = false;
  const answer = await drive(driver, component);
  expect(answer.stored?.sha256).toBe(sha256);
  expect(state.asked[1]).toMatch(/^bytes=[2-9]\d{6}-$/);
  expect(await readdir(join(context.paths.cache, "components/incoming"))).toEqual([]);
});

test("a release comes through the proxy of HTTPS_PROXY, checked against the server's certificate", async () => {
  const driver = await bundleDriver();
  const authority = createAuthority("test", { now: new Date(), years: 1 });
  const names = { dnsNames: ["release.test"], ips: [], commonName: "release.test", organizations: [] };
  const { certificatePem: cert, privateKeyPem: key } = issueCertificate(
    { name: "server", authority: "cluster", usages: ["server"], ...names },
    authority,
    { now: new Date(), days: 1 },
  );
  const server = createServer({ cert, key }, (request, response) =>
    response.end(request.url === "/tool.sha256" ? sha256 : content),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy = await TestProxy.listen(server.address() as AddressInfo, context);
  // Of a name that only the proxy can find.
  const url = "https://release.test/{name}";
  const component = testComponent("tool", { upstream: { url, checksumUrl: `${url}.sha256` } });
  const ca = join(context.directory, "ca.pem");
  await writeFile(ca, authority.certificatePem);
  const env = { HTTPS_PROXY: proxy.address, NODE_EXTRA_CA_CERTS: ca };
  expect((await drive(driver, component, { ...env, NODE_EXTRA_CA_CERTS: "" })).error?.code).toBe(
    "COMPONENT_UNAVAILABLE",
  );
  expect((await drive(driver, component, env)).stored?.sha256).toBe(sha256);
  expect(new Set(proxy.asked.map(({ what }) => what))).toEqual(new Set(["CONNECT release.test:443"]));
});

describe("a full disk", () => {
  /** Puts the cache on a file system of 4 MB. */
  async function smallCache(): Promise<void> {
    await mkdir(context.paths.cache, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", "size=4m", "slipway-test", context.paths.cache]);
    context.defer(() => run("umount", [context.paths.cache]));
  }

  test("during a download is said, and leaves nothing behind", async () => {
    await smallCache();
    const { component } = await serveRelease({ hold: false });
    const error = await fetchFrom([upstreamSource], [component], context).catch((e: unknown) => e);
    expect(isSlipwayError(error, "DISK_FULL") && error.hint).toContain("free some space");
    expect(await listComponents(context)).toEqual([]);
    const { stdout } = await run("du", ["-sk", context.paths.cache]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(100);
  });

  test("while a bundle is loaded is said, and leaves the store as it was", async () => {
    const ref = { name: "big", version: "v1" };
    const produce = async (path: string) => {
      await run("dd", ["if=/dev/urandom", `of=${path}`, "bs=1M", "count=6", "status=none"]);
      return { provenance: { source: "recipe", origin: "dd" } as const };
    };
    await storeFile(ref, "archive", produce, context);
    const bundle = join(context.directory, "demo.tar");
    await createBundle([ref], bundle, context);
    await run("rm", ["-r", join(context.paths.cache, "components")]);
    await smallCache();
    const error = await loadBundle(bundle, context).catch((e: unknown) => e);
    expect(isSlipwayError(error, "DISK_FULL")).toBe(true);
    expect(await listComponents(context)).toEqual([]);
  });
});

describe("a build from a Go module", () => {
  const plugins = ["cni-static", "cni-loopback"].map((name) => findComponent(refOf(name)));

  test("gives commands that run, several from one build", async () => {
    const found = await fetchFrom([goModuleSource], plugins, context);
    for (const { path, provenance } of found.values()) {
      expect(provenance.origin).toContain("github.com/containernetworking/plugins@v1.9.1");
      const { stdout, stderr } = await run(path, [], {
        env: { CNI_COMMAND: "VERSION" },
        input: '{"cniVersion":"1.0.0"}',
      });
      expect(`${stdout}${stderr}`).toContain("supportedVersions");
    }
    const builds = context.seen.filter((e) => e.type === "progress" && e.state === "ok");
    expect(builds).toHaveLength(2);
  });

  test("is the same file when it is built again", async () => {
    const first = await fetchFrom([goModuleSource], plugins.slice(0, 1), context);
    const again = await TestContext.create();
    try {
      const second = await fetchFrom([goModuleSource], plugins.slice(0, 1), again);
      expect(second.get("cni-static")?.sha256).toBe(first.get("cni-static")?.sha256);
    } finally {
      await again[Symbol.asyncDispose]();
    }
  });

  test("without Go says so, and how to get it", async () => {
    const driver = await bundleDriver();
    const { stdout } = await run("which", ["flock"]);
    const answer = await drive(driver, plugins[0]!, { PATH: dirname(stdout.trim()) });
    expect(answer.error?.code).toBe("COMPONENT_UNAVAILABLE");
    expect(Object.values(answer.error?.details ?? {})[0]).toContain("Go is not installed");
    expect(answer.error?.hint).toContain("https://go.dev/dl/");
  });
});

test("a C file of a module becomes a static program", async () => {
  const found = await fetchFrom([goModuleSource], [findComponent(refOf("pause"))], context);
  const { path } = found.get("pause")!;
  expect((await run(path, ["-v"])).stdout).toContain("3.10.1");
  expect((await run("readelf", ["--program-headers", path])).stdout).not.toContain("INTERP");
});
