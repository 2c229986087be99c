// Writes docs/reference/ from the code. --check writes nothing and fails when a page is not what the code says.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const directory = join(root, "docs/reference");
const check = process.argv.includes("--check");

const stale = [];
for (const [name, text] of Object.entries(await pages())) {
  const path = join(directory, name);
  if ((await readFile(path, "utf8").catch(() => "")) === text) continue;
  stale.push(name);
  if (check) continue;
  await mkdir(directory, { recursive: true });
  await writeFile(path, text);
}
if (stale.length > 0)
  console.log(`docs/reference: ${stale.join(", ")} ${check ? "is old; run: npm run docs" : "written"}`);
process.exitCode = check && stale.length > 0 ? 1 : 0;

async function pages() {
  await mkdir(join(root, "dist"), { recursive: true });
  const bundled = await mkdtemp(join(root, "dist/.docs-"));
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ["src/cli/reference.ts"],
      outdir: bundled,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
    });
    const { referencePages } = await import(pathToFileURL(join(bundled, "reference.js")));
    return await referencePages();
  } finally {
    await rm(bundled, { recursive: true, force: true });
  }
}
