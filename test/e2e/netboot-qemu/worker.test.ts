import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exists } from "../../../src/base/files.js";
import { hostState, slipwayProgram, TestHome } from "../harness.js";
import { ClusterBridge } from "./cluster-bridge.js";
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

/** A lab with one machine, which boots the netboot image with the config of the cluster's new worker. */
async function writeLab(lab: string, network: ClusterBridge, node: { name: string; address: string }) {
  const url = `http://${network.address}:8080`;
  await writeFile(
    join(lab, "lab.yaml"),
    JSON.stringify({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "Lab",
      networks: [
        {
          interface: network.bridge,
          address: network.address,
          subnet: network.address.replace(/\d+$/, "0/24"),
          mode: "dhcp",
          range: [200, 210].map((n) => network.address.replace(/\d+$/, String(n))).join("-"),
          router: network.address,
        },
      ],
      machines: [{ name: node.name, mac, address: node.address, profile: "worker" }],
      profiles: [
        {
          id: "worker",
          kernel: "/assets/kernel",
          initrd: ["/assets/initrd"],
          args: [
            "initrd=initrd",
            "console=ttyS0",
            `ignition.config.url=${url}/ignition?mac=\${mac:hexhyp}`,
            `slipway.report=${url}/report`,
            "slipway.on_failure=poweroff",
          ],
          ignition: "worker.ign",
          secret: true,
        },
      ],
    }),
  );
}

test("a machine becomes a worker from power-on: Ready, with a pod that the control plane's node reaches", async () => {
  const lab = join(scratch, "lab");
  await mkdir(lab);
  const json = async (args: string[]) =>
    JSON.parse((await home.slipway([...args, "-p", profile, "-o", "json"])).stdout.split("\n").at(-1)!).data;
  await json(["node-image", "build", "--format", "netboot", join(lab, "assets")]);
  const node = await json(["node", "add", "--mac", mac, "--ignition", join(lab, "worker.ign")]);
  await using network = await ClusterBridge.of(node.address);
  await writeLab(lab, network, { name: node.node, address: node.address });
  const server = network.start(process.execPath, [
    slipwayProgram,
    ...["netboot", "serve", lab, "--state", join(scratch, "state"), "--output", "json"],
  ]);
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream?.on("data", (chunk: Buffer) => (log += chunk));
  await expect.poll(() => log, { timeout: 20_000 }).toContain("is served at");

  await using machine = await bootMachine({ network, scratch, firmware: "seabios", mac, memoryMiB: 3072 });
  const kubectl = (...args: string[]) => home.kubectl(profile, args);
  const ready = kubectl("wait", "--for=condition=Ready", `node/${node.node}`, "--timeout=280s");
  await Promise.race([
    ready,
    machine.ended(290_000).then(async () => {
      throw new Error(`the machine ended; its console:\n${(await machine.console()).slice(-3000)}\n${log}`);
    }),
  ]);
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
  expect(await exists(join(lab, "worker.ign"))).toBe(false);
}, 600_000);

test("nothing of it is left on the host", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
