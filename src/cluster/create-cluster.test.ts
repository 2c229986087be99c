import { expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import { TestContext } from "../components/test-context.js";
import { createClusterIn } from "./create-cluster.js";
import { findProfile, writeProfile } from "./profile.js";
import { resolveProfile } from "./request.js";

test("a start that fails leaves a cluster that was there before", async () => {
  await using context = await TestContext.create();
  const profile = await resolveProfile(
    { apiVersion: "slipway.dev/v1alpha1", kind: "Cluster", metadata: { name: "demo" } },
    { workingDirectory: "/" },
    context,
  );
  await writeProfile(context, profile);
  const clock = { ...systemClock, now: () => new Date(0) };
  await expect(createClusterIn({ name: "demo" }, { ...context, clock })).rejects.toMatchObject({
    code: "CLOCK_WRONG",
  });
  expect(await findProfile("demo", context)).toEqual(profile);
});
