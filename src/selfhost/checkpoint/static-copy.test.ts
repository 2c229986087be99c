import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../../kube/wire.js";
import { objectData, type ReferencedObjects, referenceKey, referencesOf } from "./references.js";
import { type PodSpec, staticCopy } from "./static-copy.js";
import type { Workload } from "./workload.js";

const workload: Workload = { kind: "DaemonSet", namespace: "kube-system", name: "kube-apiserver" };
const place = { directory: "/etc/kubernetes", isSelf: false };
const container = { name: "main", image: "slipway.local/kube-apiserver:v1.36.3" };

const podOf = (spec: Partial<PodSpec>): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "kube-apiserver-x2x4z",
    namespace: "kube-system",
    uid: "0000",
    labels: {
      "k8s-app": "kube-apiserver",
      "controller-revision-hash": "5d9",
      "pod-template-generation": "1",
    },
    annotations: { "checkpointer.alpha.coreos.com/checkpoint": "true", other: "x" },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "kube-apiserver", uid: "1" }],
  },
  spec: { containers: [container], hostNetwork: true, ...spec },
  status: { phase: "Running" },
});

const objects = (entries: Record<string, Record<string, string>>): ReferencedObjects =>
  new Map(
    Object.entries(entries).map(([key, data]) => [
      key,
      new Map(Object.entries(data).map(([name, value]) => [name, Buffer.from(value)])),
    ]),
  );

function copyOf(spec: Partial<PodSpec>, data: ReferencedObjects = new Map(), options = place) {
  const result = staticCopy(podOf(spec), workload, data, options);
  if ("refusals" in result) throw new Error(result.refusals.join("; "));
  return { ...result.copy, fingerprint: result.fingerprint };
}
function refusalsOf(spec: Partial<PodSpec>, data: ReferencedObjects = new Map()): string[] {
  const result = staticCopy(podOf(spec), workload, data, place);
  return "refusals" in result ? result.refusals : [];
}

describe("the copy", () => {
  test("goes by the workload's name, says what it is of, and is nobody's pod", () => {
    const { manifest, fingerprint } = copyOf({});
    expect(manifest.metadata).toEqual({
      name: "kube-apiserver",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-apiserver" },
      annotations: {
        "checkpointer.alpha.coreos.com/checkpoint-of": "kube-apiserver-x2x4z",
        "slipway.dev/checkpoint-fingerprint": fingerprint,
        "slipway.dev/checkpoint-kind": "DaemonSet",
        "slipway.dev/checkpoint-revision": "5d9",
        "slipway.dev/checkpoint-workload": "kube-apiserver",
      },
    });
    expect(manifest).not.toHaveProperty("status");
  });

  test("needs nothing that a scheduler, a controller or an admission plugin would do", () => {
    const { manifest } = copyOf({
      nodeName: "n",
      nodeSelector: { a: "b" },
      affinity: {},
      serviceAccountName: "default",
      serviceAccount: "default",
      schedulerName: "default-scheduler",
      priority: 0,
      priorityClassName: "own",
      preemptionPolicy: "PreemptLowerPriority",
      tolerations: [],
      readinessGates: [{ conditionType: "x" }],
    });
    expect(manifest.spec).toEqual({
      containers: [container],
      hostNetwork: true,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: "Always",
      priority: 2_000_001_000,
      priorityClassName: "system-node-critical",
      tolerations: [{ operator: "Exists" }],
      volumes: [],
    });
  });

  test("of another pod of the same revision has the same fingerprint; of other data another one", () => {
    const spec: Partial<PodSpec> = { volumes: [{ name: "tls", secret: { secretName: "tls" } }] };
    const first = copyOf(spec, objects({ "Secret/tls": { key: "1" } })).fingerprint;
    const again = staticCopy(
      { ...podOf(spec), metadata: { ...podOf(spec).metadata, name: "kube-apiserver-aaaaa" } },
      workload,
      objects({ "Secret/tls": { key: "1" } }),
      place,
    );
    expect(again).toMatchObject({ fingerprint: first });
    expect(copyOf(spec, objects({ "Secret/tls": { key: "2" } })).fingerprint).not.toBe(first);
  });
});

describe("of a pod on the pod network", () => {
  const probed = {
    ...container,
    ports: [{ name: "https", containerPort: 10257 }],
    livenessProbe: { httpGet: { path: "/healthz", port: "https", scheme: "HTTPS" } },
    readinessProbe: { tcpSocket: { port: 10257 } },
    startupProbe: { httpGet: { host: "10.0.0.1", path: "/", port: 80 } },
  };

  test("runs on the node's, with probes that reach it there and no ports to conflict", () => {
    const { spec } = copyOf({ hostNetwork: false, hostUsers: false, containers: [probed] }).manifest;
    expect(spec.hostNetwork).toBe(true);
    expect(spec).not.toHaveProperty("hostUsers");
    expect(spec.containers[0]).toEqual({
      ...container,
      livenessProbe: { httpGet: { path: "/healthz", port: 10257, scheme: "HTTPS", host: "127.0.0.1" } },
      readinessProbe: { tcpSocket: { port: 10257, host: "127.0.0.1" } },
      startupProbe: { httpGet: { host: "10.0.0.1", path: "/", port: 80 } },
    });
  });

  test("that listens on the pod's address is probed there", () => {
    const env = [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }];
    const { spec } = copyOf({ hostNetwork: false, containers: [{ ...probed, env }] }).manifest;
    expect(spec.containers[0]?.livenessProbe?.httpGet?.host).toBeUndefined();
    expect(spec.containers[0]?.env).toEqual(env);
  });

  test("the checkpointer's own has no probes: two share the node's port", () => {
    const { spec } = copyOf({ containers: [probed] }, new Map(), { ...place, isSelf: true }).manifest;
    expect(spec.containers).toEqual([container]);
  });
});

describe("volumes", () => {
  const mounted = (volume: string) => ({ ...container, volumeMounts: [{ name: volume, mountPath: "/m" }] });

  test("of a Secret and a ConfigMap become directories, mounted read-only", () => {
    const { manifest, directories } = copyOf(
      {
        containers: [mounted("tls"), mounted("config")],
        volumes: [
          { name: "tls", secret: { secretName: "serving", defaultMode: 0o400 } },
          { name: "config", configMap: { name: "settings" } },
          { name: "pki", hostPath: { path: "/etc/kubernetes/pki" } },
        ],
      },
      objects({ "Secret/serving": { "tls.crt": "c" }, "ConfigMap/settings": { a: "1", b: "2" } }),
    );
    const secret = "/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver/tls";
    const config = "/etc/kubernetes/checkpoint-configmaps/kube-system/kube-apiserver/config";
    expect(manifest.spec.volumes).toEqual([
      { name: "tls", hostPath: { path: secret, type: "Directory" } },
      { name: "config", hostPath: { path: config, type: "Directory" } },
      { name: "pki", hostPath: { path: "/etc/kubernetes/pki" } },
    ]);
    expect(manifest.spec.containers[0]?.volumeMounts?.[0]?.readOnly).toBe(true);
    expect(directories).toEqual([
      { path: secret, files: [{ path: "tls.crt", contents: Buffer.from("c"), mode: 0o400 }] },
      {
        path: config,
        files: [
          { path: "a", contents: Buffer.from("1"), mode: 0o644 },
          { path: "b", contents: Buffer.from("2"), mode: 0o644 },
        ],
      },
    ]);
  });

  test("have the keys that are named, where they are named, with their modes", () => {
    const items = [{ key: "b", path: "deep/b.txt", mode: 0o600 }];
    const { directories } = copyOf(
      { volumes: [{ name: "v", secret: { secretName: "s", items } }] },
      objects({ "Secret/s": { a: "1", b: "2" } }),
    );
    expect(directories[0]?.files).toEqual([{ path: "deep/b.txt", contents: Buffer.from("2"), mode: 0o600 }]);
  });

  test("may be read by the pod's fsGroup", () => {
    const { directories } = copyOf(
      {
        securityContext: { fsGroup: 2000 },
        volumes: [{ name: "v", secret: { secretName: "s", defaultMode: 0o400 } }],
      },
      objects({ "Secret/s": { a: "1" } }),
    );
    expect(directories[0]).toMatchObject({ group: 2000, files: [{ mode: 0o440 }] });
  });

  test("projected ones are one directory of all their sources", () => {
    const sources = [
      { configMap: { name: "c" } },
      { secret: { name: "s", items: [{ key: "k", path: "a" }] } },
    ];
    const { directories } = copyOf(
      { volumes: [{ name: "all", projected: { sources, defaultMode: 0o440 } }] },
      objects({ "ConfigMap/c": { a: "old", b: "2" }, "Secret/s": { k: "new" } }),
    );
    expect(directories).toHaveLength(1);
    expect(directories[0]?.path).toContain("/checkpoint-secrets/");
    expect(directories[0]?.files.map(({ path, contents }) => [path, String(contents)])).toEqual([
      ["a", "new"],
      ["b", "2"],
    ]);
  });

  test("that are optional may be missing, with their keys", () => {
    const items = [{ key: "nope", path: "nope" }];
    const { directories } = copyOf(
      {
        volumes: [
          { name: "a", secret: { secretName: "none", optional: true } },
          { name: "b", configMap: { name: "c", items, optional: true } },
        ],
      },
      objects({ "ConfigMap/c": { a: "1" } }),
    );
    expect(directories.map(({ files }) => files)).toEqual([[], []]);
  });

  test("that need no API stay as they are", () => {
    const volumes = [
      { name: "e", emptyDir: {} },
      { name: "d", downwardAPI: { items: [{ path: "n", fieldRef: { fieldPath: "metadata.name" } }] } },
      { name: "p", projected: { sources: [{ downwardAPI: { items: [] } }] } },
    ];
    expect(copyOf({ volumes }).manifest.spec.volumes).toEqual(volumes);
  });
});

describe("the environment", () => {
  test("has its values, as the kubelet would have filled them in", () => {
    const { spec } = copyOf(
      {
        containers: [
          {
            ...container,
            envFrom: [
              { prefix: "P_", configMapRef: { name: "c" } },
              { secretRef: { name: "missing", optional: true } },
            ],
            env: [
              { name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } },
              { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              { name: "P_b", value: "own" },
              { name: "GONE", valueFrom: { configMapKeyRef: { name: "c", key: "x", optional: true } } },
            ],
          },
        ],
      },
      objects({ "ConfigMap/c": { a: "1", b: "2" }, "Secret/s": { token: "a$(HOME)b$$" } }),
    ).manifest;
    expect(spec.containers[0]).not.toHaveProperty("envFrom");
    expect(spec.containers[0]?.env).toEqual([
      { name: "P_a", value: "1" },
      // `$$` is a dollar to the kubelet: it must not expand what is in a Secret.
      { name: "TOKEN", value: "a$$(HOME)b$$$$" },
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "P_b", value: "own" },
    ]);
  });
});

test("what cannot be had without the API is refused by name", () => {
  const refusals = refusalsOf(
    {
      imagePullSecrets: [{ name: "pull" }],
      resourceClaims: [{ name: "gpu" }],
      containers: [
        {
          ...container,
          env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }],
          envFrom: [{ configMapRef: { name: "c" } }],
        },
      ],
      volumes: [
        { name: "claim", persistentVolumeClaim: { claimName: "data" } },
        { name: "driver", csi: { driver: "d" } },
        { name: "token", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
        { name: "missing", secret: { secretName: "none" } },
        { name: "out", configMap: { name: "here", items: [{ key: "a", path: "../a" }] } },
      ],
    },
    objects({ "ConfigMap/here": { a: "1" } }),
  );
  for (const word of [
    "imagePullSecrets",
    "resourceClaims",
    "Secret s with the key k for A",
    "ConfigMap c for envFrom",
    "claim (persistentVolumeClaim)",
    "driver (csi)",
    "token: serviceAccountToken needs the API: set automountServiceAccountToken: false",
    "Secret none does not exist",
    "../a leads out",
  ]) {
    expect(refusals.join("\n")).toContain(word);
  }
});

const name = fc.constantFrom("a", "b", "c");
const optional = fc.option(fc.boolean(), { nil: undefined });
const items = fc.option(
  fc.array(fc.record({ key: name, path: fc.constantFrom("x", "y/z", "w") }), { maxLength: 2 }),
  { nil: undefined },
);
const objectSource = fc.record({ name, items, optional }, { requiredKeys: ["name"] });
const volumeSource = fc.oneof(
  fc.record({ secret: objectSource.map(({ name: secretName, ...rest }) => ({ secretName, ...rest })) }),
  fc.record({ configMap: objectSource }),
  fc.record({
    projected: fc.record({
      sources: fc.array(
        fc.oneof(
          fc.record({ secret: objectSource }),
          fc.record({ configMap: objectSource }),
          fc.constant({ downwardAPI: {} }),
          fc.constant({ serviceAccountToken: { path: "t" } }),
          fc.constant({ clusterTrustBundle: { path: "t" } }),
        ),
        { maxLength: 3 },
      ),
    }),
  }),
  fc.constantFrom(
    { emptyDir: {} },
    { hostPath: { path: "/x" } },
    { persistentVolumeClaim: { claimName: "c" } },
  ),
);
const anyContainer = fc.record(
  {
    name,
    image: fc.constant("i"),
    env: fc.array(
      fc.record({
        name: fc.constantFrom("A", "B"),
        valueFrom: fc.oneof(
          fc.record({ secretKeyRef: fc.record({ name, key: name, optional }) }),
          fc.record({ configMapKeyRef: fc.record({ name, key: name, optional }) }),
        ),
      }),
      { maxLength: 3 },
    ),
    envFrom: fc.array(
      fc.oneof(
        fc.record({ secretRef: fc.record({ name, optional }) }),
        fc.record({ configMapRef: fc.record({ name, optional }) }),
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ["name", "image"] },
);
const anySpec = fc.record(
  {
    containers: fc.array(anyContainer, { minLength: 1, maxLength: 2 }),
    initContainers: fc.array(anyContainer, { maxLength: 1 }),
    volumes: fc
      .array(volumeSource, { maxLength: 4 })
      .map((sources) => sources.map((source, index) => ({ name: `v${index}`, ...source }))),
    hostNetwork: fc.boolean(),
    serviceAccountName: fc.constant("default"),
  },
  { requiredKeys: ["containers"] },
);
const anyObjects = fc
  .dictionary(
    fc.constantFrom("Secret/a", "Secret/b", "ConfigMap/a", "ConfigMap/b"),
    fc.dictionary(name, fc.string()),
  )
  .map(objects);

describe("of any pod", () => {
  test("a copy refers to nothing of the API, and its data is all there; or it is refused with a reason", () => {
    fc.assert(
      fc.property(anySpec, anyObjects, (spec, data) => {
        const pod = podOf(spec as Partial<PodSpec>);
        const before = structuredClone(pod);
        const result = staticCopy(pod, workload, data, place);
        expect(pod).toEqual(before);
        if ("refusals" in result) {
          expect(result.refusals.every((reason) => reason.length > 0)).toBe(true);
          expect(result.refusals.length).toBeGreaterThan(0);
          return;
        }
        const { manifest, directories } = result.copy;
        expect(referencesOf(manifest as Pod)).toEqual([]);
        const text = JSON.stringify(manifest);
        for (const word of ["serviceAccountName", "KeyRef", "envFrom", "serviceAccountToken", "Claim"])
          expect(text).not.toContain(word);
        const paths = directories.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
        for (const { path, files } of directories) {
          expect(path).toMatch(
            /^\/etc\/kubernetes\/checkpoint-(secrets|configmaps)\/kube-system\/kube-apiserver\/v\d$/,
          );
          expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a copy of the same pod and data has the same fingerprint", () => {
    fc.assert(
      fc.property(anySpec, anyObjects, (spec, data) => {
        const make = () => staticCopy(podOf(spec as Partial<PodSpec>), workload, data, place);
        expect(make()).toEqual(make());
      }),
    );
  });
});

test("data travels as the API sends it", () => {
  expect(objectData("Secret", { data: { a: "aGk=" } })).toEqual(new Map([["a", Buffer.from("hi")]]));
  expect(objectData("ConfigMap", { data: { a: "hi" }, binaryData: { b: "AAE=" } })).toEqual(
    new Map([
      ["b", Buffer.from([0, 1])],
      ["a", Buffer.from("hi")],
    ]),
  );
  expect(referenceKey({ kind: "Secret", name: "a" })).toBe("Secret/a");
});
