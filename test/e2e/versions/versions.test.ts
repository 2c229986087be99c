import { afterAll, beforeAll, expect, test } from "vitest";
import { netexec, TestHome } from "../harness.js";

let home: TestHome;
beforeAll(async () => {
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

test.each(["v1.34.4", "v1.35.4"])("%s: Ready, and an app answers by its name", async (version) => {
  const profile = `old${version.replaceAll(".", "")}`;
  await home.slipway(["start", "-p", profile, "--kubernetes-version", version, "--image", "agnhost"]);
  const { stdout } = await home.kubectl(profile, [
    "get",
    "nodes",
    "-o",
    "jsonpath={.items[*].status.nodeInfo.kubeletVersion}",
  ]);
  expect(stdout).toBe(version);
  await home.kubectl(profile, ["apply", "-f", "-"], { input: netexec("web") });
  await home.kubectl(profile, ["rollout", "status", "deployment/web", "--timeout=90s"]);
  const answer = await home.fetchFrom(profile, "web", "http://web/hostname");
  expect(answer.stdout).toMatch(/^web-/);
  await home.slipway(["delete", "-p", profile]);
});
