import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import { NetbootMetrics } from "../http/metrics.js";
import { RenderedCache } from "../http/rendered.js";
import { startHttpServer } from "../http/server.js";
import { head, TestLab } from "./testing.js";
import { LiveInventory } from "./watch.js";

const mac = (n: number) => `52:54:00:${n.toString(16).padStart(6, "0").match(/../g)!.join(":")}`;
/** A lab.yaml of many machines, of which all boot this kernel. */
const lines = (kernel: string, count: number, last = "") =>
  `${head}profiles:\n  - id: worker\n    kernel: /assets/${kernel}\nmachines:\n${Array.from(
    { length: count },
    (_, n) => `  - name: node-${n}\n    mac: ${mac(n)}\n    profile: worker\n`,
  ).join("")}${last}`;

const count = 10_000;

test("while a large lab is read again machines are answered, from the last good one", async () => {
  await using lab = await TestLab.create({ "lab.yaml": lines("first", count) });
  using live = await LiveInventory.open(lab.directory, { watch: false });
  await using server = await startHttpServer({
    address: "127.0.0.1",
    port: 0,
    snapshot: () => live.snapshot,
    state: { rendered: new RenderedCache() },
    metrics: new NetbootMetrics(),
    observe: () => {},
    clock: systemClock,
  });
  const kernel = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/ipxe?mac=${mac(count - 1)}`);
    return /^kernel (\S+)/m.exec(await response.text())?.[1];
  };
  /** What machines are told while it is read. */
  const during = async (reading: Promise<unknown>): Promise<(string | undefined)[]> => {
    const told: (string | undefined)[] = [];
    let over = false;
    const end = reading.finally(() => {
      over = true;
    });
    while (!over) told.push(await kernel());
    await end;
    return told.slice(0, -1); // the last one may have come after it
  };

  await lab.write({ "lab.yaml": lines("second", count, "  - name: node-0\n    mac: 52:54:01:00:00:00\n") });
  const whileRefused = await during(live.reload());
  expect(live.problems).toMatchObject([
    { check: "duplicate-name", place: { line: 7 + 3 * count }, path: `machines[${count}].name` },
  ]);
  await lab.write({ "lab.yaml": lines("third", count) });
  const whileRead = await during(live.reload());

  for (const told of [whileRefused, whileRead]) {
    expect(told.length).toBeGreaterThan(10);
    expect(new Set(told)).toEqual(new Set(["/assets/first"]));
  }
  expect(await kernel()).toBe("/assets/third");
});
