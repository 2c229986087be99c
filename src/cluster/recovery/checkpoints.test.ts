import { expect, test } from "vitest";
import { selfhostedObjects } from "../../plan/selfhosted/objects.js";
import { selfhostedSettings } from "../../plan/selfhosted/plan.js";
import type { StaticPod } from "../../selfhost/checkpoint/static-copy.js";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import { asCopied } from "./checkpoints.js";

test("a workload is what its copy ran, in the form of a workload", () => {
  const objects = selfhostedObjects(selfhostedSettings(resolveSpec({ bootstrapper: "selfhosted" }, facts)));
  const planned = objects.find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === "kube-scheduler",
  )!;
  const command = ["kube-scheduler", "--v=4"];
  const container = { name: "kube-scheduler", image: "other:1", command, env: [{ name: "a", value: "b" }] };
  const other = { name: "added-by-hand" };
  const copy = { spec: { hostNetwork: true, containers: [container, other] } } as unknown as StaticPod;
  const { template } = asCopied(planned, copy).spec as { template: { spec: Record<string, unknown> } };
  const before = (planned.spec as typeof planned & { template: typeof template }).template;
  const [own] = before.spec.containers as object[];
  expect(template).toEqual({
    ...before,
    spec: { ...before.spec, containers: [{ ...own, image: "other:1", command }] },
  });
});
