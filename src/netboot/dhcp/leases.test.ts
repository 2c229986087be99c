import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLeases } from "./lease-log.js";
import { LeaseStore } from "./lease-store.js";
import type { Lease, LeaseChange } from "./leases.js";
import { testLab } from "./testing.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-leases-"));
  path = join(directory, "lab", "leases");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const lease = (n: number, more: Partial<Lease> = {}): Lease => ({
  address: `10.88.0.${n}`,
  client: `hw:1:${n}`,
  state: "bound",
  expires: 1000 + n,
  ...more,
});
const set = (n: number, more?: Partial<Lease>): LeaseChange => ({ type: "set", lease: lease(n, more) });

const changed = (store: LeaseStore, change: LeaseChange): Promise<void> =>
  new Promise((resolve, reject) => store.change(change, (error) => (error ? reject(error) : resolve())));

async function openStore(spareLines?: number): Promise<LeaseStore> {
  const store = await LeaseStore.open(path, spareLines === undefined ? {} : { spareLines });
  store.setNetworks(testLab().networks);
  return store;
}
const addresses = (store: LeaseStore) => [...store.leases()].map(({ address }) => address);

test("leases are there again at the next start; offers and what was removed are not", async () => {
  {
    await using store = await openStore();
    await Promise.all([
      changed(store, set(50, { mac: "52:54:00:00:00:50", hostName: "fifty" })),
      changed(store, set(51, { state: "offered" })),
      changed(store, set(52, { state: "declined", client: "" })),
      changed(store, set(53)),
    ]);
    await changed(store, { type: "remove", address: "10.88.0.53" });
  }
  await using again = await openStore();
  expect([...again.leases()]).toEqual([
    lease(50, { mac: "52:54:00:00:00:50", hostName: "fifty" }),
    lease(52, { state: "declined", client: "" }),
  ]);
  expect(again.view("10.88.0.0/24").ofClient("hw:1:50")?.address).toBe("10.88.0.50");
  expect(again.view("10.88.0.0/24").ofClient("")).toBeUndefined();
});

test("a lease is on disk when its change is done", async () => {
  await using store = await openStore();
  for (let n = 50; n < 60; n++) {
    await changed(store, set(n));
    expect((await readLeases(path)).leases.get(`10.88.0.${n}`)).toEqual(lease(n));
  }
});

test("a file that was cut anywhere has every lease that was whole before the cut", async () => {
  {
    await using store = await openStore();
    for (let n = 1; n <= 8; n++) await changed(store, set(n));
  }
  const whole = await readFile(path);
  const lines = whole.toString().split("\n");
  for (let length = whole.length; length >= 0; length -= 7) {
    await writeFile(path, whole);
    await truncate(path, length);
    const before = lines.filter((_, i) => lines.slice(0, i + 1).join("\n").length < length).length;
    await using store = await openStore();
    expect(addresses(store)).toHaveLength(Math.min(before, 8));
    expect(store.damaged).toBe(0);
    // And it can be gone on with.
    await changed(store, set(200));
    expect((await readLeases(path)).leases.has("10.88.0.200")).toBe(true);
  }
});

test("a changed byte is found, never believed; the file is kept aside", async () => {
  {
    await using store = await openStore();
    for (let n = 1; n <= 5; n++) await changed(store, set(n));
  }
  const whole = await readFile(path);
  const lastLine = whole.lastIndexOf("\n", whole.length - 2) + 1;
  await fc.assert(
    fc.asyncProperty(fc.nat(lastLine - 1), fc.nat(7), async (at, bit) => {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << bit;
      await writeFile(path, bytes);
      const read = await readLeases(path);
      expect(read.damaged).toBeGreaterThan(0);
      for (const found of read.leases.values()) expect(found).toEqual(lease(Number(found.address.slice(8))));
    }),
    { numRuns: 300 },
  );
  await using store = await openStore();
  expect(store.damaged).toBeGreaterThan(0);
  expect(await readFile(`${path}.damaged`)).toEqual(await readFile(path));
  await changed(store, set(7));
  expect(await readLeases(path)).toMatchObject({ damaged: 0, torn: false });
});

test("the file is written anew when most of it is history, and loses nothing", async () => {
  await using store = await openStore(50);
  for (let round = 0; round < 100; round++) {
    await Promise.all([1, 2, 3, 4].map((n) => changed(store, set(n, { expires: round }))));
    const read = await readLeases(path);
    expect(read.lines).toBeLessThanOrEqual(50 + 4 * 4 + 4);
    expect([...read.leases.values()].map(({ expires }) => expires)).toEqual([round, round, round, round]);
  }
});

test("half a line of another's hand does not swallow the next", async () => {
  {
    await using store = await openStore();
    await changed(store, set(1));
  }
  await appendFile(path, '00000000 {"address":"10.8');
  {
    await using store = await openStore();
    await changed(store, set(2));
  }
  await using store = await openStore();
  expect(addresses(store)).toEqual(["10.88.0.1", "10.88.0.2"]);
});

test("two processes cannot have one lease file", async () => {
  await using _store = await openStore();
  await expect(LeaseStore.open(path)).rejects.toMatchObject({ code: "PROFILE_BUSY" });
});
