import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { StaticWorkload } from "../static-copies.js";
import { bootstrapOf } from "./bootstrap-of.js";
import { withFlags } from "./with-flags.js";

describe("a command line", () => {
  test("a flag is set or goes, in whatever form it stood there", () => {
    const words = [
      "kube-apiserver",
      "--secure-port=6443",
      "--bind-address",
      "::",
      "--permit-port-sharing",
      "--v=2",
    ];
    const flags = { "secure-port": "6444", "bind-address": "0.0.0.0", "permit-port-sharing": undefined };
    expect(withFlags(words, flags)).toEqual([
      "kube-apiserver",
      "--v=2",
      "--secure-port=6444",
      "--bind-address=0.0.0.0",
    ]);
  });

  test("a flag whose name only begins so stays", () => {
    expect(withFlags(["--secure-portal=1"], { "secure-port": undefined })).toEqual(["--secure-portal=1"]);
  });
});

const workload = (name: string, command: string[], more: object = {}): StaticWorkload => ({
  kind: "Deployment",
  name,
  pod: {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "kube-system", labels: { "k8s-app": name }, annotations: {} },
    spec: { securityContext: { runAsUser: 65_534 }, containers: [{ name, image: "i", command, ...more }] },
  },
  files: [
    {
      path: `/etc/kubernetes/bootstrap-secrets/${name}/files/x.conf`,
      contents: "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {server: https://api:6443}\n",
      mode: 0o600,
    },
  ],
});
const kubeconfig = "kind: Config\nclusters:\n- name: b\n  cluster:\n    server: https://elsewhere\n";

describe("a workload's bootstrap pod", () => {
  test("an API server beside the one that takes over, on the next port, without its part in endpoints", () => {
    const probe = { httpGet: { host: "127.0.0.2", path: "/livez", port: 7443 } };
    const { pod, file } = bootstrapOf(
      workload("kube-apiserver", ["kube-apiserver", "--secure-port=7443", "--permit-port-sharing=true"], {
        livenessProbe: probe,
      }),
      7443,
      kubeconfig,
    );
    expect(file).toBe("bootstrap-apiserver.yaml");
    expect(pod.metadata).toMatchObject({
      name: "bootstrap-kube-apiserver",
      labels: { "k8s-app": "bootstrap-kube-apiserver" },
    });
    expect(pod.spec).toMatchObject({
      securityContext: {},
      containers: [
        {
          command: [
            "kube-apiserver",
            "--secure-port=7444",
            "--bind-address=0.0.0.0",
            "--endpoint-reconciler-type=none",
          ],
          livenessProbe: { httpGet: { path: "/livez", port: 7444 } },
        },
      ],
    });
    expect(JSON.stringify(pod)).not.toContain("127.0.0.2");
  });

  test("a scheduler calls the bootstrap API server with its own kubeconfig", () => {
    const { pod, files } = bootstrapOf(
      workload("kube-scheduler", ["kube-scheduler", "--kubeconfig=/etc/kubernetes/x.conf"]),
      6443,
      kubeconfig,
    );
    const conf = parse(files.get("kube-scheduler/files/x.conf")!.toString());
    expect(conf.clusters[0].cluster.server).toBe("https://127.0.0.1:6444");
    expect([...files.keys()]).toEqual(["kube-scheduler/files/x.conf"]);
    expect(JSON.stringify(pod)).toContain("--secure-port=10269");
  });

  test("one that lived of its pod's token gets the administrator's", () => {
    const { pod, files } = bootstrapOf(
      workload("kube-controller-manager", ["kube-controller-manager"]),
      6443,
      kubeconfig,
    );
    expect(JSON.stringify(pod)).toContain("--kubeconfig=/run/recovery/kubeconfig");
    const given = parse(files.get("kube-controller-manager/recovery/kubeconfig")!.toString());
    expect(given.clusters[0].cluster.server).toBe("https://127.0.0.1:6444");
  });
});
