import { readFile } from "node:fs/promises";
import { issueCertificate } from "../../../src/pki/certificate.js";
import { clusterKubeconfig } from "../../../src/pki/kubeconfig.js";
import type { KubeObject } from "../../../src/plan/kube-object.js";
import { sealObjects } from "../../../src/plan/secrets.js";
import { checkpointerCertificate, checkpointerObjects } from "../../../src/plan/selfhosted/checkpointer.js";
import type { TestHome } from "../harness.js";

export const ports = { "kube-apiserver": 18_443, "kube-scheduler": 18_444 };
const image = "slipway.local/agnhost:2.63.0";
const namespace = "kube-system";

/** Short times for a test. */
const times = {
  interval: "1s",
  "promote-after": "5s",
  "data-settle": "5s",
  "activate-after": "4s",
  "grace-period": "8s",
  "rollback-after": "20s",
};

/** The checkpointer's objects as a plan has them, with a kubeconfig of the cluster's own authority and short times. */
export async function checkpointer(
  home: TestHome,
  profile: string,
  image: string,
  server: string,
): Promise<KubeObject[]> {
  const read = (name: string) => readFile(home.profileFile(profile, name), "utf8");
  const authority = { certificatePem: await read("pki/ca.crt"), privateKeyPem: await read("pki/ca.key") };
  const validity = { now: new Date(), days: 1 };
  const { certificatePem, privateKeyPem } = issueCertificate(checkpointerCertificate, authority, validity);
  const { text } = clusterKubeconfig({
    cluster: profile,
    server,
    caPem: authority.certificatePem,
    user: checkpointerCertificate.commonName,
    certificatePem,
    privateKeyPem,
    contextName: profile,
  });
  const objects = sealObjects(checkpointerObjects(image), new Map([["kubeconfig/pod-checkpointer", text]]));
  for (const object of objects) {
    if (object.kind !== "DaemonSet") continue;
    const { spec } = object as unknown as {
      spec: { template: { spec: { containers: { args: string[] }[] } } };
    };
    for (const [flag, value] of Object.entries(times))
      spec.template.spec.containers[0]!.args.push(`--${flag}=${value}`);
  }
  return objects;
}

const labelsOf = (name: string) => ({ "k8s-app": name, tier: "control-plane" });

/** agnhost under a control-plane component's name, with a Secret and a ConfigMap in all the ways a pod may use them. */
function template(name: string, port: number) {
  return {
    metadata: {
      labels: labelsOf(name),
      annotations: { "checkpointer.alpha.coreos.com/checkpoint": "true" },
    },
    spec: {
      automountServiceAccountToken: false,
      nodeSelector: { "node-role.kubernetes.io/control-plane": "" },
      tolerations: [{ operator: "Exists" }],
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "main",
          image,
          args: ["netexec", `--http-port=${port}`, `--udp-port=${port}`],
          ports: [{ name: "web", containerPort: port }],
          env: [{ name: "WORD", valueFrom: { secretKeyRef: { name: "stand-in", key: "word" } } }],
          readinessProbe: { httpGet: { path: "/healthz", port: "web" }, periodSeconds: 1 },
          securityContext: { runAsUser: 1000 },
          volumeMounts: [
            { name: "secret", mountPath: "/secret" },
            { name: "config", mountPath: "/config/settings", subPath: "settings" },
          ],
        },
      ],
      securityContext: { fsGroup: 2000 },
      volumes: [
        {
          name: "secret",
          secret: { secretName: "stand-in", defaultMode: 0o400, items: [{ key: "word", path: "deep/word" }] },
        },
        { name: "config", configMap: { name: "stand-in" } },
      ],
    },
  };
}

export const standIns = (): object[] => [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "stand-in", namespace },
    stringData: { word: "swordfish" },
  },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "stand-in", namespace },
    data: { settings: "a: 1\n" },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "kube-apiserver", namespace, labels: labelsOf("kube-apiserver") },
    spec: {
      selector: { matchLabels: { "k8s-app": "kube-apiserver" } },
      template: template("kube-apiserver", ports["kube-apiserver"]),
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "kube-scheduler", namespace, labels: labelsOf("kube-scheduler") },
    spec: {
      selector: { matchLabels: { "k8s-app": "kube-scheduler" } },
      template: template("kube-scheduler", ports["kube-scheduler"]),
    },
  },
];
