import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { invalidConfigs, validConfigs } from "../../../src/ignition/fixtures/configs.js";
import { firstBuildMs, realIgnition } from "./real-ignition.js";

/** The real ignition's verdict on the configs that `validate.test.ts` has ours on. */
let scratch: string;
let ignition: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-ignition-"));
  await mkdir(join(scratch, "no-system-config"));
  ignition = await realIgnition();
}, firstBuildMs);
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function accepts(config: unknown): Promise<{ accepted: boolean; log: string }> {
  const file = join(scratch, "config.ign");
  await writeFile(file, JSON.stringify(config));
  const { exitCode, stdout } = await run(
    ignition,
    [
      "--platform=file",
      "--stage=fetch-offline",
      `--root=${scratch}`,
      `--config-cache=${scratch}/cache.json`,
      `--neednet=${scratch}/neednet`,
      `--state-file=${scratch}/state`,
      "--log-to-stdout",
    ],
    {
      allowFailure: true,
      env: { IGNITION_CONFIG_FILE: file, IGNITION_SYSTEM_CONFIG_DIR: join(scratch, "no-system-config") },
    },
  );
  return { accepted: exitCode === 0, log: stdout };
}

test.each(Object.entries(invalidConfigs))("%s", async (_, { config, stricter = false }) => {
  const { accepted, log } = await accepts(config);
  expect(accepted, log).toBe(stricter);
});

test.each(Object.entries(validConfigs))("%s", async (_, config) => {
  const { accepted, log } = await accepts(config);
  expect(accepted, log).toBe(true);
});
