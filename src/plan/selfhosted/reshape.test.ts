import { expect, test } from "vitest";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import { planCluster } from "../plan.js";
import { changedCommand, reshapedWorkload } from "./reshape.js";

const plan = (controlPlanes: number) =>
  planCluster(
    resolveSpec(
      {
        metadata: { name: "demo" },
        bootstrapper: "selfhosted",
        controlPlanes,
        network: { nodeSubnet: "10.77.0.0/24" },
      },
      facts,
    ),
    { cgroupVersion: 1, mayLowerOomScore: false, nameservers: [] },
  );
const one = plan(1);
const three = plan(3);
const apiServer = ({ objects }: ReturnType<typeof plan>) =>
  objects
    .flatMap((group) => group.objects)
    .find(({ kind, metadata }) => kind === "DaemonSet" && metadata.name === "kube-apiserver")!;
const containerOf = (object: object) =>
  (object as { spec: { template: { spec: { containers: [{ image: string; command: string[] }] } } } }).spec
    .template.spec.containers[0];

test("from one to several, the API server listens on its node's address; image and flags of the user's stay", () => {
  const { image, command } = containerOf(apiServer(one));
  const live = {
    image: `${image}-patched`,
    command: [
      ...command.filter((flag) => !flag.startsWith("--audit-log-maxage")),
      "--v=4",
      "--audit-log-maxage=7",
    ],
  };
  const reshaped = containerOf(reshapedWorkload(apiServer(one), apiServer(three), live));
  expect(reshaped.image).toBe(`${image}-patched`);
  expect(new Set(reshaped.command)).toEqual(new Set([...live.command, "--bind-address=$(POD_IP)"]));
  expect(reshaped).toMatchObject({
    readinessProbe: { httpGet: expect.not.objectContaining({ host: "127.0.0.2" }) },
  });

  const back = containerOf(reshapedWorkload(apiServer(three), apiServer(one), reshaped));
  expect(new Set(back.command)).toEqual(new Set(live.command));
  expect(back).toMatchObject({ readinessProbe: { httpGet: { host: "127.0.0.2" } } });
});

test("twice is once, and a flag that somebody set is not set again", () => {
  const before = ["x", "--a=1"];
  const after = ["x", "--a=1", "--b=2"];
  expect(changedCommand(after, before, after)).toEqual(after);
  expect(changedCommand(["x", "--a=1", "--b=9"], before, after)).toEqual(["x", "--a=1", "--b=9"]);
});

test("the certificate names the endpoint of several before there are several; an endpoint is another pod of kube-proxy", () => {
  const names = one.certificates.find(({ name }) => name === "selfhosted/apiserver")!;
  expect(names.ips).toEqual(expect.arrayContaining(["10.77.0.2", "10.77.0.254"]));
  const proxy = ({ objects }: ReturnType<typeof plan>) =>
    JSON.stringify(
      objects
        .flatMap((group) => group.objects)
        .find(({ kind, metadata }) => kind === "DaemonSet" && metadata.name === "kube-proxy"),
    );
  expect(proxy(one)).not.toBe(proxy(three));
});
