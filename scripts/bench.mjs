// Bundles bench/ and runs it: npm run bench -- start|cli [--json] [--runs N]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
for (const script of ["scripts/build.mjs"]) {
  const { status } = spawnSync(process.execPath, [script, "--fast"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
await build({
  absWorkingDir: root,
  // The clients of a storm are a process of their own.
  entryPoints: ["bench/main.ts", "bench/storm/client.ts", "bench/storm/prober.ts"],
  outdir: "dist/bench",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  logLevel: "warning",
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
});
const { status } = spawnSync(process.execPath, ["dist/bench/main.mjs", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);
