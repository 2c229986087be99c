import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import type { Context } from "../base/context.js";
import { TestContext } from "../components/test-context.js";
import { inspectCertificate } from "../pki/inspect.js";
import type { Material } from "../plan/material.js";
import { planCluster } from "../plan/plan.js";
import { resolveSpec } from "../spec/resolve.js";
import { facts } from "../spec/testing.js";
import { ensureMaterial } from "./material.js";
import { forgetRenewal, isRenewalPending } from "./renewal-mark.js";

const spec = resolveSpec(
  { apiVersion: "slipway.dev/v1alpha1", kind: "Cluster", metadata: { name: "demo" }, nodes: 2 },
  facts,
);
const plan = planCluster(spec, { cgroupVersion: 2, mayLowerOomScore: true, nameservers: [] });
const today = new Date("2026-11-21T12:00:00Z");
const daysOn = (days: number): Context["clock"] => ({
  ...systemClock,
  now: () => new Date(today.getTime() + days * 86_400_000),
});

/** Makes what is missing when the clock is so many days from today. */
const ensureOn = (days: number, directory: string, context: TestContext) => {
  context.seen.length = 0;
  return ensureMaterial(plan, directory, { ...context, events: context.events, clock: daysOn(days) });
};
const leaf = (material: Material, name = "apiserver/demo") =>
  inspectCertificate(material.get(`pki/${name}.crt`)!, today);

test("leaves that expired while the clock was behind are made anew under the same authorities, and that is said", async () => {
  await using context = await TestContext.create();
  const pki = join(context.directory, "pki");
  const old = await ensureOn(-400, pki, context);
  expect(context.seen).toEqual([]);
  expect(await isRenewalPending(pki)).toBe(false);
  expect(leaf(old).expired).toBe(true);

  const renewed = await ensureOn(0, pki, context);
  expect(context.seen).toEqual([
    {
      type: "warning",
      message: `${plan.certificates.length} certificates expired 2026-10-17 12:00:00 UTC, 35 days ago by this machine's clock; made anew under the same authorities`,
    },
  ]);
  for (const name of ["ca.crt", "ca.key", "etcd/ca.crt", "front-proxy-ca.crt", "sa.key", "encryption.key"]) {
    expect(renewed.get(`pki/${name}`), name).toBe(old.get(`pki/${name}`));
  }
  for (const { name } of plan.certificates) {
    expect(leaf(renewed, name)).toMatchObject({ expired: false, notYetValid: false, daysLeft: 365 });
  }
  expect(renewed.get("kubeconfig/admin")).not.toBe(old.get("kubeconfig/admin"));
  // Nodes may run with the old ones until somebody has handed the new ones out.
  expect(await isRenewalPending(pki)).toBe(true);
});

test("an authority that was lost is not replaced by another", async () => {
  await using context = await TestContext.create();
  const pki = join(context.directory, "pki");
  await ensureOn(0, pki, context);
  for (const name of ["ca.crt", "ca.key", "encryption.key"]) await rm(join(pki, name));
  await expect(ensureOn(0, pki, context)).rejects.toThrow("this cluster's ca.crt, encryption.key are gone");
  await expect(readFile(join(pki, "ca.key"))).rejects.toThrow("ENOENT");
});

test("leaves that begin in the future are made anew, with a word on the clock", async () => {
  await using context = await TestContext.create();
  const pki = join(context.directory, "pki");
  await ensureOn(0, pki, context);
  await ensureOn(400, pki, context);
  await forgetRenewal(pki);
  const renewed = await ensureOn(10, pki, context);
  expect(context.seen).toMatchObject([
    {
      type: "warning",
      message: expect.stringMatching(
        /^\d+ certificates would be valid only from 2027-12-26 11:55:00 UTC, in 390 days/,
      ),
      hint: expect.stringContaining("timedatectl set-ntp true"),
    },
  ]);
  expect(leaf(renewed).notBefore).toEqual(new Date("2026-12-01T11:55:00Z"));
  expect(await isRenewalPending(pki)).toBe(true);
});

test("good leaves stay, and nothing is said", async () => {
  await using context = await TestContext.create();
  const pki = join(context.directory, "pki");
  const first = await ensureOn(0, pki, context);
  expect(await ensureOn(100, pki, context)).toEqual(first);
  expect(context.seen).toEqual([]);
  expect(await isRenewalPending(pki)).toBe(false);
  await ensureOn(250, pki, context);
  expect(context.seen).toMatchObject([
    { type: "info", message: expect.stringContaining("less than a third") },
  ]);
});
