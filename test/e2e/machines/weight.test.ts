import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTextIfPresent } from "../../../src/base/files.js";
import { readCgroupMounts } from "../../../src/machines/sandbox/cgroups.js";
import { sandboxSubject } from "./subject.js";

const cluster = "weights";

let subject: Awaited<ReturnType<typeof sandboxSubject>>;
beforeAll(async () => {
  subject = await sandboxSubject(cluster, 206);
  await subject.driver.ensureNetwork(subject.network);
  await subject.driver.create(subject.spec("one"));
  await subject.driver.start(cluster, "one");
});
afterAll(async () => {
  await subject.driver.delete(cluster, "one");
  await subject.driver.deleteNetwork(cluster);
  await subject.dispose();
});

/** Shares (cgroup v1) or a weight (v2) of the machine, of what the kernel gives a group that nobody has said anything of. */
async function weight(): Promise<number> {
  const machine = (await subject.driver.inspect(cluster, "one"))!;
  const group = /^(?:\d+:(?:\w+,)*cpu(?:,\w+)*|0:):(\/slipway\/\w+\/\w+)/m.exec(
    await readFile(`/proc/${machine.pid}/cgroup`, "utf8"),
  )![1]!;
  for (const { path } of await readCgroupMounts()) {
    const shares = await readTextIfPresent(join(path, group, "cpu.shares"));
    if (shares) return Number(shares) / 1024;
    const v2 = await readTextIfPresent(join(path, group, "cpu.weight"));
    if (v2) return Number(v2) / 100;
  }
  throw new Error(`no weight of ${group}`);
}

test("a machine that is weighed comes before others, and as the others once it was off", async () => {
  const before = await weight();
  await subject.driver.weigh(cluster, "one", 4);
  expect(await weight()).toBeGreaterThan(before * 2);
  await subject.driver.weigh(cluster, "one", 1);
  await subject.driver.weigh(cluster, "one", 4);
  await subject.driver.stop(cluster, "one", { graceMs: 5000 });
  await subject.driver.start(cluster, "one");
  expect(await weight()).toBe(before);
});
