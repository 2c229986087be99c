import { defineConfig } from "vitest/config";

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
