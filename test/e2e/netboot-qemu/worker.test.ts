import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exists } from "../../../src/base/files.js";
import { hostState, TestHome } from "../harness.js";
import { Lab } from "../netboot-lab.js";
import { nodeProfile } from "./boot-lab.js";
import { LabNetwork } from "./lab-network.js";
import { bootMachine } from "./qemu.js";

const profile = "nb-worker";
const mac = "52:54:00:aa:00:07";
let scratch: string;
let home: TestHome;
let before: Record<string, string[]>;

beforeAll(async () => {
  before = await hostState();
  scratch = await mkdtemp(join(tmpdir(), "slipway-worker-"));
  home = await TestHome.create();
  await home.slipway(["start", "-p", profile, "--cni", "flannel", "--image", "agnhost"]);
}, 600_000);

afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

test("a machine becomes a worker from power-on: Ready, with a pod that the control plane's node reaches", async () => {
  await using lab = await Lab.create();
  const json = async (args: string[]) =>
    JSON.parse((await home.slipway([...args, "-p", profile, "-o", "json"])).stdout.split("\n").at(-1)!).data;
  await json(["node-image", "build", "--format", "netboot", lab.assets]);
  const config = join(lab.directory, "worker.ign");
  const node = await json(["node", "add", "--mac", mac, "--ignition", config]);
  await using network = await LabNetwork.ofCluster(node.address);
  await lab.write({
    networks: [{ ...network.inLab("dhcp", [200, 210]), router: network.address }],
    machines: [{ name: node.node, mac, address: node.address, profile: "worker" }],
    profiles: [{ ...nodeProfile(network, "worker.ign"), secret: true }],
  });
  await using server = await lab.serve({ startProgram: network.startProgram });

  await using machine = await bootMachine({ network, scratch, firmware: "seabios", mac, memoryMiB: 3072 });
  const kubectl = (...args: string[]) => home.kubectl(profile, args);
  const ready = kubectl("wait", "--for=condition=Ready", `node/${node.node}`, "--timeout=280s");
  await Promise.race([ready, machine.failsIfItEnds(290_000, () => server.log)]);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: {
      nodeName: node.node,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "web",
          image: "slipway.local/agnhost:2.63.0",
          args: ["netexec", "--http-port=8080"],
          readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 },
        },
      ],
    },
  };
  await home.kubectl(profile, ["apply", "-f", "-"], { input: JSON.stringify(pod) });
  await kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=120s");
  expect((await kubectl("exec", "web", "--", "hostname")).stdout).toBe("web");
  const { stdout: address } = await kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIP}");
  // From a pod of the other node, over VXLAN.
  const connect = ["connect", `${address}:8080`, "--timeout=10s"];
  const beside = JSON.stringify({ spec: { nodeName: profile } });
  await kubectl(
    ...["run", "beside", "--image=slipway.local/agnhost:2.63.0", "--restart=Never", `--overrides=${beside}`],
    ...["--", ...connect],
  );
  await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/beside", "--timeout=60s");

  await home.slipway(["node", "delete", node.node, "-p", profile]);
  expect(await exists(config)).toBe(false);
}, 600_000);

test("nothing of it is left on the host", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
