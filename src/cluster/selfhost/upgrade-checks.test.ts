import { expect, test } from "vitest";
import { isSlipwayError } from "../../base/errors.js";
import type { KubeNode } from "../../kube/wire.js";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import {
  checkDisk,
  checkKubelets,
  checkMemory,
  checkTarget,
  neededDiskBytes,
  neededMemoryBytes,
} from "./upgrade-checks.js";

const cluster = (form: Parameters<typeof resolveSpec>[0] = {}) =>
  resolveSpec({ kubernetesVersion: "1.35.4", bootstrapper: "selfhosted", ...form }, facts);

const complaint = (check: () => void): string => {
  try {
    check();
    return "";
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    return [error.code, error.message, error.hint, ...Object.values(error.details)].join(" | ");
  }
};

test("one minor version at a time, and never back", () => {
  expect(complaint(() => checkTarget(cluster(), "v1.36.3"))).toBe("");
  expect(complaint(() => checkTarget(cluster({ kubernetesVersion: "1.36.1" }), "v1.36.3"))).toBe("");
  expect(complaint(() => checkTarget(cluster({ kubernetesVersion: "1.34.4" }), "v1.36.3"))).toMatch(
    /^USAGE.*more than one minor.*--to 1\.35/,
  );
  expect(complaint(() => checkTarget(cluster({ kubernetesVersion: "1.36.3" }), "v1.36.1"))).toMatch(
    /^USAGE.*older/,
  );
});

test("flags and gates that the target does not have are named, all of them", () => {
  const spec = cluster();
  const odd = {
    ...spec,
    extraConfig: { apiserver: { "no-such-flag": "1" } },
    featureGates: { NoSuchGate: true },
  };
  const said = complaint(() => checkTarget(odd, "v1.36.3"));
  expect(said).toMatch(/^CONFIG_INVALID/);
  expect(said).toContain("no-such-flag");
  expect(said).toContain("NoSuchGate");
});

const node = (name: string, kubeletVersion: string, ready = true): KubeNode =>
  ({
    metadata: { name },
    status: {
      nodeInfo: { kubeletVersion },
      conditions: [{ type: "Ready", status: ready ? "True" : "False", message: "its runtime is down" }],
    },
  }) as KubeNode;

test("no kubelet is newer than the API server will be, and none much older; all nodes are well", () => {
  expect(complaint(() => checkKubelets([node("a", "v1.35.4"), node("b", "v1.33.0")], "v1.36.3"))).toBe("");
  const said = complaint(() =>
    checkKubelets([node("a", "v1.37.0"), node("b", "v1.32.9+x"), node("c", "v1.35.4", false)], "v1.36.3"),
  );
  expect(said).toContain("a has a kubelet of 1.37.0, newer");
  expect(said).toContain("b has a kubelet of 1.32.9, more than three");
  expect(said).toContain("c is not Ready: its runtime is down");
});

test("an upgrade does not begin where a second API server has no room", () => {
  expect(complaint(() => checkMemory("a", neededMemoryBytes))).toBe("");
  expect(complaint(() => checkMemory("a", neededMemoryBytes / 2))).toMatch(
    /^MEMORY_SHORT.*350 MiB free.*700 MiB/,
  );
});

test("nor where the disk is full", () => {
  expect(complaint(() => checkDisk("a", neededDiskBytes))).toBe("");
  expect(complaint(() => checkDisk("a", 0))).toMatch(/^DISK_FULL.*disk of a has 0 MiB left.*256 MiB/);
});
