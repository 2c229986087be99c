import fc from "fast-check";
import { expect, test } from "vitest";
import { bridgeName, checkNames, linkName, macAddress } from "./names.js";

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

test("device names fit the kernel's 15 characters, and machines' differ from their bridge's", () => {
  fc.assert(
    fc.property(label, label, (cluster, machine) => {
      const names = [bridgeName(cluster), linkName(cluster, machine)];
      for (const name of names) expect(name).toMatch(/^slipway-[0-9a-f]{7}$/);
      expect(names[0]).not.toBe(names[1]);
    }),
  );
});

test("MAC addresses are unicast, locally administered and always the same", () => {
  fc.assert(
    fc.property(label, label, (cluster, machine) => {
      const mac = macAddress(cluster, machine);
      expect(mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      expect(Number.parseInt(mac.slice(0, 2), 16) & 0b11).toBe(0b10);
      expect(macAddress(cluster, machine)).toBe(mac);
    }),
  );
});

test("names that could leave their directory or cgroup are refused", () => {
  fc.assert(fc.property(label, label, (cluster, machine) => checkNames(cluster, machine)));
  for (const bad of ["", ".", "..", "a/b", "a b", "A", "-a", "a-", "a\n", "é", "x".repeat(64)]) {
    expect(() => checkNames(bad, "one")).toThrow(/cannot be the name/);
    expect(() => checkNames("demo", bad)).toThrow(/cannot be the name/);
  }
});
