import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LeaseStore } from "../dhcp/lease-store.js";
import type { Lease } from "../dhcp/leases.js";
import { testLab } from "../dhcp/testing.js";
import { TestLab } from "../inventory/testing.js";
import { dnsNames } from "./dns-names.js";

const lab = {
  "lab.yaml": JSON.stringify({
    apiVersion: "slipway.dev/v1alpha1",
    kind: "Lab",
    networks: [
      { interface: "br0", mode: "none", address: "10.88.0.1", subnet: "10.88.0.0/24", domain: "lab.test" },
    ],
    machines: [
      { name: "fixed", mac: "52:54:00:00:00:01", address: "10.88.0.10" },
      { name: "leased.lab.test", mac: "52:54:00:00:00:02" },
    ],
  }),
};

test("names are the lab's, and those of clients while their lease lasts", async () => {
  const directory = await mkdtemp(join(tmpdir(), "slipway-names-"));
  try {
    await using files = await TestLab.create(lab);
    const { snapshot, problems } = await files.load();
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    await using leases = await LeaseStore.open(join(directory, "leases.ndjson"));
    leases.setNetworks(testLab().networks);
    const lease = (n: number, more: Partial<Lease> = {}) => {
      const own = { address: `10.88.0.${n}`, client: `hw:1:${n}`, state: "bound", expires: 2000 } as const;
      return new Promise<unknown>((done) => leases.change({ type: "set", lease: { ...own, ...more } }, done));
    };
    const named = (name: string, now = 1000) =>
      dnsNames(snapshot!, leases, now)
        .hostsNamed(name)
        .map(({ address }) => address);
    await Promise.all([
      lease(50, { mac: "52:54:00:00:00:02", hostName: "self-made" }),
      lease(51, { mac: "52:54:00:00:00:51", hostName: "Guest" }),
      lease(52, { hostName: "guest" }),
      lease(53, { hostName: "offered", state: "offered" }),
      lease(54, { mac: "52:54:00:00:00:54", hostName: "fixed" }),
    ]);
    expect(named("fixed")).toEqual(["10.88.0.10"]);
    expect(named("leased")).toEqual(["10.88.0.50"]);
    expect(named("self-made")).toEqual([]); // the lab calls it otherwise
    expect(named("guest")).toEqual(["10.88.0.51", "10.88.0.52"]);
    expect(named("guest", 3000)).toEqual([]);
    expect(named("offered")).toEqual([]);
    expect(dnsNames(snapshot!, leases, 1000).hostAt("10.88.0.51")).toMatchObject({ name: "guest" });
    expect(dnsNames(snapshot!, leases, 1000).hostAt("10.88.0.50")).toMatchObject({ name: "leased.lab.test" });

    await lease(51, { mac: "52:54:00:00:00:51", hostName: "renamed" });
    await new Promise<unknown>((done) => leases.change({ type: "remove", address: "10.88.0.52" }, done));
    expect(named("guest")).toEqual([]);
    expect(named("renamed")).toEqual(["10.88.0.51"]);
    await Promise.all(Array.from({ length: 60 }, (_, i) => lease(100 + i, { hostName: "android" })));
    expect(named("android")).toHaveLength(32);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
