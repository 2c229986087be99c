import { expect, test } from "vitest";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import { planCluster } from "../plan.js";
import { withStaticPods } from "./static.js";

const spec = resolveSpec({ bootstrapper: "static", nodes: 2 }, facts);
const plan = planCluster(spec, { cgroupVersion: 2, mayLowerOomScore: true, nameservers: [] });
const [controlPlane, worker] = plan.nodes;
const pathsOf = (config: { storage?: { files?: { path: string }[] } }) =>
  (config.storage?.files ?? []).map(({ path }) => path);

test("a static control plane: its pods' files on the node, no units of it, kube-proxy as an object", () => {
  const paths = pathsOf(controlPlane!.config);
  expect(paths).toContain("/etc/kubernetes/static-pods/kube-apiserver/files/pki/apiserver.crt");
  expect(paths).toContain("/etc/kubernetes/static-pods/kube-scheduler/files/scheduler.conf");
  expect(controlPlane!.config.systemd?.units?.map(({ name }) => name)).not.toContain(
    "kube-apiserver.service",
  );
  expect(pathsOf(worker!.config).filter((path) => path.includes("static-pods"))).toEqual([]);
  const kinds = plan.objects.find(({ name }) => name === "control-plane")!.objects;
  expect(kinds.map(({ metadata }) => metadata.name)).not.toContain("kube-apiserver");
  expect(kinds.some(({ kind, metadata }) => kind === "DaemonSet" && metadata.name === "kube-proxy")).toBe(
    true,
  );
});

test("manifests come with the first boot; they refer to no object of the API, which kubelets refuse (k/k#131837)", () => {
  const config = withStaticPods(controlPlane!.config, spec);
  const manifests = (config.storage?.files ?? []).filter(({ path }) =>
    path.startsWith("/etc/kubernetes/manifests/"),
  );
  expect(manifests.map(({ path }) => path.split("/").at(-1))).toEqual([
    "kube-apiserver.yaml",
    "kube-controller-manager.yaml",
    "kube-scheduler.yaml",
  ]);
  for (const { contents } of manifests) {
    const text = decodeURIComponent(contents?.source ?? "");
    expect(text).not.toMatch(/secretName|configMap:|serviceAccountName/);
  }
});
