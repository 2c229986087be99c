import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { localFiles } from "../../../src/cli/local-files.js";
import { translateButane } from "../../../src/ignition/butane/translate.js";
import { decodeDataUrl } from "../../../src/ignition/data-url.js";
import { firstBuildMs } from "../ignition/real-ignition.js";
import type { Case } from "./case.js";
import { ignitionCases } from "./ignition-cases.js";
import { realPeers } from "./peers.js";
import { sugarCases } from "./sugar-cases.js";
import { variantCases } from "./variant-cases.js";
import { yamlCases } from "./yaml-cases.js";

let scratch: string;
let files: string;
let peers: Awaited<ReturnType<typeof realPeers>>;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-butane-"));
  files = join(scratch, "files");
  await writeLocalFiles(files);
  await writeFile(join(scratch, "outside"), "not for you\n");
  peers = await realPeers();
}, firstBuildMs);
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function writeLocalFiles(directory: string): Promise<void> {
  await mkdir(join(directory, "tree/inner"), { recursive: true });
  await mkdir(join(directory, "sub"));
  const contents: Record<string, string | Uint8Array> = {
    text: "a local text\n",
    empty: "",
    binary: Uint8Array.from({ length: 256 }, (_, i) => i),
    large: "the same line again and again\n".repeat(2000),
    key: "passphrase",
    unit: "[Service]\nExecStart=/bin/true\n",
    "broken-unit": "[Service\n",
    keys: "ssh-ed25519 AAAA one\n\nssh-ed25519 BBBB two\n",
    "crlf-keys": "ssh-ed25519 CCCC three\r\nssh-ed25519 DDDD four",
    "sub/deep": "deep\n",
    "tree/script": "#!/bin/sh\n",
    "tree/inner/data": "data\n",
    "tree/.hidden": "hidden\n",
  };
  for (const [path, text] of Object.entries(contents)) {
    await writeFile(join(directory, path), text, { mode: path.endsWith("script") ? 0o755 : 0o644 });
  }
  await symlink("inner/data", join(directory, "tree/link"));
  await symlink("/nowhere", join(directory, "tree/inner/dangling"));
}

/** What the real butane says of a config. */
async function translateReally({ yaml, withoutFiles }: Case): Promise<{ json: unknown; log: string }> {
  const file = join(scratch, "config.bu");
  await writeFile(file, yaml);
  const args = withoutFiles ? [file] : ["--files-dir", files, file];
  const { exitCode, stdout, stderr } = await run(peers.butane, args, { allowFailure: true });
  return { json: exitCode === 0 ? JSON.parse(stdout) : undefined, log: stderr };
}

const translateOurselves = ({ yaml, withoutFiles }: Case) =>
  translateButane(yaml, { file: "config.bu", ...localFiles(withoutFiles ? undefined : files) });

/** zlib and Go pack the same contents into different bytes: what is packed is compared unpacked. */
function unpacked(value: unknown, { plainToo = false } = {}): unknown {
  if (Array.isArray(value)) return value.map((item) => unpacked(item, { plainToo }));
  if (typeof value !== "object" || value === null) return value;
  const { source, compression, ...others } = value as Record<string, unknown>;
  if (typeof source === "string" && source.startsWith("data:") && (compression === "gzip" || plainToo)) {
    const bytes = Buffer.from(decodeDataUrl(source));
    const packed = compression === "gzip" && bytes[0] === 0x1f;
    return { ...others, contents: (packed ? gunzipSync(bytes) : bytes).toString("base64") };
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, unpacked(child, { plainToo })]),
  );
}

const corpus: Record<string, Case[]> = {
  "variants and versions": variantCases,
  "the YAML itself": yamlCases,
  "what Butane adds": sugarCases,
  "Ignition's own rules": ignitionCases,
};

test("the corpus is large, and its cases are different", () => {
  const cases = Object.values(corpus).flat();
  expect(cases.length).toBeGreaterThan(400);
  expect(new Set(cases.map(({ name, yaml }) => name + yaml)).size).toBe(cases.length);
});

describe.each(Object.entries(corpus))("%s", (_, cases) => {
  test.each(cases)("$name", async (one) => {
    const [real, ours] = [await translateReally(one), translateOurselves(one)];
    const errors = ours.problems.filter(({ severity }) => severity === "error");
    if (one.stricter) {
      expect(real.json, real.log).toBeDefined();
      expect(errors).not.toEqual([]);
    } else if (real.json === undefined) {
      expect(errors, `the real butane says: ${real.log}`).not.toEqual([]);
    } else {
      expect(errors).toEqual([]);
      const comparable = { plainToo: one.packedByOursOnly ?? false };
      expect(unpacked(ours.config, comparable)).toEqual(unpacked(real.json, comparable));
      await acceptedByIgnition(ours.config);
    }
  });
});

async function acceptedByIgnition(config: unknown): Promise<void> {
  const file = join(scratch, "config.ign");
  await writeFile(file, JSON.stringify(config));
  const { exitCode, stderr } = await run(peers.ignitionValidate, [file], { allowFailure: true });
  expect(exitCode, stderr).toBe(0);
}
