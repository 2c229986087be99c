import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** What the build puts in (scripts/build.mjs): tests that use the sources beside the built program mean the same image. */
function podCheckpointerBuild(): string {
  const path = "dist/pod-checkpointer.cjs";
  if (!existsSync(path)) return "undefined";
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  return JSON.stringify({ version: `v${version}-${sha256.slice(0, 12)}`, sha256 });
}

// unit: beside the code, no root needed, seconds. e2e: real processes and real nodes, one after the other.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts"],
          testTimeout: 60_000,
          // Files share processes and modules, which are loaded once: four tenths of the processor's time. So a test puts
          // back what it changes of its process.
          isolate: false,
        },
      },
      {
        define: { SLIPWAY_POD_CHECKPOINTER: podCheckpointerBuild() },
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
