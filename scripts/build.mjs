// Bundles the CLI and the library into dist/ with every command in a chunk of its own, loaded when it is called.
// --fast: what ./slipway needs, without types and schema.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const fast = process.argv.includes("--fast");
const startedAt = new Date();
const dayMs = 24 * 60 * 60 * 1000;

/** main.ts loads program.ts as the ES module that the second build makes of it. */
const programApart = {
  name: "program-apart",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/program\.js$/ }, () => ({ path: "../program.js", external: true })),
};

await mkdir(join(dist, "chunks"), { recursive: true });
const fresh = await mkdtemp(join(dist, ".new-"));
try {
  await bundle(fresh);
  await install(fresh);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
if (!fast) {
  await writeSchemas();
  writeTypes();
}
// Dated when the build began: a source that was saved meanwhile is newer.
await writeFile(join(dist, ".built"), "");
await utimes(join(dist, ".built"), startedAt, startedAt);

async function bundle(outdir) {
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20.19",
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: "external",
    legalComments: "external",
    logLevel: "warning",
  };
  const define = { SLIPWAY_POD_CHECKPOINTER: JSON.stringify(await bundlePodCheckpointer(common, outdir)) };
  // The entry is CommonJS: Node's loader of ES modules alone costs more than all that `slipway version` does.
  await build({
    ...common,
    entryPoints: { "cli/main": "src/cli/main.ts" },
    outdir,
    format: "cjs",
    plugins: [programApart],
    define,
  });
  await writeFile(join(outdir, "cli/package.json"), '{ "type": "commonjs" }\n');
  const entries = { program: "src/cli/program.ts", index: "src/index.ts" };
  await build({
    ...common,
    entryPoints: Object.fromEntries(
      Object.entries(entries).filter(([, path]) => existsSync(join(root, path))),
    ),
    outdir,
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
    format: "esm",
    define,
    // Bundled CommonJS dependencies call require() for Node's own modules.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
  });
}

/** One file for the Node of Debian 12, which the pod-checkpointer's image has. @returns what it is known by */
async function bundlePodCheckpointer(common, outdir) {
  await build({
    ...common,
    entryPoints: { "pod-checkpointer": "src/cli/pod-checkpointer.ts" },
    outdir,
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    target: "node18.20",
    // A map's or a licence file's change is none of the program's.
    sourcemap: false,
  });
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const sha256 = createHash("sha256")
    .update(await readFile(join(outdir, "pod-checkpointer.cjs")))
    .digest("hex");
  return { version: `v${version}-${sha256.slice(0, 12)}`, sha256 };
}

/**
 * Moves the new files in, chunks before the entries that name them, so that a process that starts or runs meanwhile
 * finds all it needs; chunks of earlier builds are kept for a day.
 */
async function install(from) {
  const files = (await readdir(from, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)))
    .sort((a, b) => Number(b.startsWith("chunks/")) - Number(a.startsWith("chunks/")));
  for (const file of files) {
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await rename(join(from, file), join(dist, file));
  }
  const current = new Set(files.map((file) => basename(file)));
  for (const name of await readdir(join(dist, "chunks"))) {
    const path = join(dist, "chunks", name);
    if (!current.has(name) && Date.now() - (await stat(path)).mtimeMs > dayMs) await rm(path);
  }
}

async function writeSchemas() {
  const { clusterJsonSchema } = await importSource("src/spec/json-schema.ts");
  const { labJsonSchema } = await importSource("src/netboot/inventory/lab-json-schema.ts");
  for (const [name, schema] of Object.entries({ cluster: clusterJsonSchema(), lab: labJsonSchema() })) {
    await writeFile(join(dist, `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
  }
}

async function importSource(source) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

function writeTypes() {
  if (!existsSync(join(root, "src/index.ts"))) return;
  execFileSync("npx", ["tsc", "-p", "scripts/tsconfig.types.json"], { cwd: root, stdio: "inherit" });
}
