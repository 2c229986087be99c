import { expect, test } from "vitest";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import {
  checkpointerCertificate,
  checkpointerKubeconfig,
  checkpointerObjects,
  guardedWorkloads,
} from "./checkpointer.js";

const objectOf = (kind: string) => checkpointerObjects("image:tag").find((object) => object.kind === kind)!;

interface Rule {
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

test("it may change the control plane's workloads by name, and read the rest", () => {
  const rules = objectOf("Role").rules as Rule[];
  const changing = rules.filter(({ verbs }) => verbs.some((verb) => !["get", "list"].includes(verb)));
  expect(changing.map(({ resources, verbs, resourceNames }) => [resources, verbs, resourceNames])).toEqual([
    [["events"], ["create"], undefined],
    [["daemonsets"], ["patch"], [...guardedWorkloads.daemonsets]],
    [["deployments"], ["patch"], [...guardedWorkloads.deployments]],
  ]);
  expect(JSON.stringify(rules)).not.toContain("*");
});

test("its user is that of its certificate, and its kubeconfig leads to the cluster's endpoint", () => {
  const subjects = objectOf("RoleBinding").subjects as { kind: string; name: string }[];
  expect(subjects).toEqual([
    expect.objectContaining({ kind: "User", name: checkpointerCertificate.commonName }),
  ]);
  const spec = resolveSpec(
    {
      metadata: { name: "demo" },
      nodes: [{ role: "control-plane" }],
      network: { nodeSubnet: "10.77.0.0/24" },
    },
    facts,
  );
  expect(checkpointerKubeconfig(spec)).toMatchObject({
    certificate: checkpointerCertificate.name,
    user: checkpointerCertificate.commonName,
    server: "https://10.77.0.2:6443",
  });
  expect(objectOf("Secret").data).toEqual({ kubeconfig: "slipway:kubeconfig/pod-checkpointer" });
});

test("its pods can be checkpointed themselves, need no token, and are not privileged", () => {
  const { spec } = objectOf("DaemonSet") as unknown as {
    spec: { template: { metadata: { annotations: object }; spec: Record<string, unknown> } };
  };
  expect(spec.template.metadata.annotations).toEqual({ "checkpointer.alpha.coreos.com/checkpoint": "true" });
  expect(spec.template.spec).toMatchObject({ automountServiceAccountToken: false, hostNetwork: true });
  expect(spec.template.spec).toHaveProperty("serviceAccountName", objectOf("ServiceAccount").metadata.name);
  expect(objectOf("ServiceAccount")).toMatchObject({ automountServiceAccountToken: false });
  expect(objectOf("RoleBinding").subjects).not.toContainEqual(
    expect.objectContaining({ kind: "ServiceAccount" }),
  );
  const [container] = spec.template.spec.containers as {
    image: string;
    ports?: unknown;
    securityContext: object;
  }[];
  expect(container?.image).toBe("image:tag");
  // A declared port on the node's network would keep a second one from the node.
  expect(container).not.toHaveProperty("ports");
  expect(container?.securityContext).toMatchObject({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});
