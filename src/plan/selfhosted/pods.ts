import { isHighlyAvailable } from "../addresses.js";
import { commandLine, type Flags } from "../command-line.js";
import { apiServerFlags, controllerManagerFlags, schedulerFlags } from "../control-plane.js";
import { places } from "../places.js";
import { bootstrapPort, bootstrapPorts, ownApiServerHost, type SelfhostedSettings } from "./settings.js";

/**
 * The containers of the control plane's pods, self-hosted and bootstrap. What they read is below /etc/kubernetes, as on a
 * node of the `units` bootstrapper, so that the flags are the same.
 */

type Json = Record<string, unknown>;

/** A pod's spec, for a template or a static pod, without the volume `files`, which is mounted at /etc/kubernetes. */
export interface PodParts {
  containers: Json[];
  volumes: Json[];
}

/** Where the files of a component are mounted. */
export const filesVolume = "files";
const filesMount = { name: filesVolume, mountPath: places.kubernetes, readOnly: true };

/** The authority's key, from the node's disk. Not below /etc/kubernetes, where the other files are mounted read-only. */
const caKeyMountPath = "/run/cluster-ca/ca.key";

/** No privileges, and no way to get any; root only to read files of root's. */
const restricted = (...capabilities: string[]): Json => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"], ...(capabilities.length > 0 ? { add: capabilities } : {}) },
  readOnlyRootFilesystem: true,
});

const probe = (path: string, port: number, host?: string): Json => ({
  httpGet: { path, port, scheme: "HTTPS", ...(host === undefined ? {} : { host }) },
});

interface Requests {
  cpu: string;
  memory: string;
}

function container({
  name,
  image,
  flags,
  capabilities = [],
  env,
  probes,
  requests,
  mounts = [],
}: {
  name: string;
  image: string;
  flags: Flags;
  capabilities?: string[];
  env?: Json[];
  probes: Json;
  requests: Requests;
  mounts?: Json[];
}): Json {
  return {
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    // Why it ended is in the pod's status then, which outlasts it in what a rollback tells.
    terminationMessagePolicy: "FallbackToLogsOnError",
    command: commandLine(name, flags),
    ...(env ? { env } : {}),
    ...probes,
    resources: { requests },
    securityContext: restricted(...capabilities),
    volumeMounts: [filesMount, ...mounts],
  };
}

const auditVolume = {
  name: "audit",
  hostPath: { path: dirnameOf(places.auditLog), type: "DirectoryOrCreate" },
};

function dirnameOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** How long an API server that was asked to end serves on: until all who watch it know. */
const shutdownDelaySeconds = 3;

export function apiServerPod(settings: SelfhostedSettings, bootstrap: boolean): PodParts {
  const { spec, etcdServers, images } = settings;
  const port = bootstrap ? bootstrapPort(spec) : spec.apiServer.port;
  // Of several, which have their nodes' addresses alone, the kubelet takes the pod's: its node's.
  const own = bootstrap || isHighlyAvailable(spec) ? undefined : ownApiServerHost;
  const health = (path: string) => probe(path, port, own);
  const flags: Flags = {
    // The node's own address: a pod of the host's network has it.
    ...apiServerFlags(spec, { name: "", role: "control-plane", address: "$(POD_IP)", podCidr: "" }),
    "secure-port": port,
    "etcd-servers": etcdServers,
    "shutdown-delay-duration": `${shutdownDelaySeconds}s`,
    "shutdown-send-retry-after": true,
    ...(bootstrap
      ? // Reached by the redirect, on whatever address the node is called by.
        {
          "bind-address": "0.0.0.0",
          // Whoever keeps the endpoints of the Service `kubernetes` takes them along when it ends.
          "endpoint-reconciler-type": "none",
        }
      : // During a rollout the old one serves until the new one is ready.
        { "permit-port-sharing": true }),
  };
  return {
    containers: [
      container({
        name: "kube-apiserver",
        image: images.apiServer,
        flags,
        capabilities: ["NET_BIND_SERVICE"],
        env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
        probes: {
          startupProbe: {
            ...health("/livez"),
            periodSeconds: 2,
            failureThreshold: 150,
            timeoutSeconds: 5,
          },
          // While two share the port, any of them answers: that several in a row are good says that both are.
          readinessProbe: {
            ...health("/readyz"),
            periodSeconds: 1,
            failureThreshold: 3,
            timeoutSeconds: 15,
          },
          livenessProbe: {
            ...health("/livez"),
            periodSeconds: 10,
            failureThreshold: 12,
            timeoutSeconds: 15,
          },
        },
        // Twice as much for the one that serves while its successor begins.
        requests: { cpu: bootstrap ? "500m" : "250m", memory: "256Mi" },
        mounts: [{ name: auditVolume.name, mountPath: auditVolume.hostPath.path }],
      }),
    ],
    volumes: [auditVolume],
  };
}

export function controllerManagerPod(settings: SelfhostedSettings, bootstrap: boolean): PodParts {
  const { spec, images, caKeyPath, allocateNodeCidrs } = settings;
  const flags: Flags = {
    ...controllerManagerFlags(spec, { single: false }),
    ...(bootstrap ? { "secure-port": bootstrapPorts.controllerManager } : { "bind-address": "0.0.0.0" }),
    "cluster-signing-key-file": caKeyMountPath,
    "allocate-node-cidrs": allocateNodeCidrs,
  };
  return {
    containers: [
      container({
        name: "kube-controller-manager",
        image: images.controllerManager,
        flags,
        probes: healthProbes(bootstrap ? bootstrapPorts.controllerManager : 10_257, bootstrap),
        requests: { cpu: "100m", memory: "64Mi" },
        mounts: [{ name: "ca-key", mountPath: caKeyMountPath, readOnly: true }],
      }),
    ],
    volumes: [{ name: "ca-key", hostPath: { path: caKeyPath, type: "File" } }],
  };
}

export function schedulerPod(settings: SelfhostedSettings, bootstrap: boolean): PodParts {
  const { spec, images } = settings;
  return {
    containers: [
      container({
        name: "kube-scheduler",
        image: images.scheduler,
        flags: {
          ...schedulerFlags(spec, { single: false }),
          ...(bootstrap ? { "secure-port": bootstrapPorts.scheduler } : { "bind-address": "0.0.0.0" }),
        },
        probes: healthProbes(bootstrap ? bootstrapPorts.scheduler : 10_259, bootstrap),
        requests: { cpu: "100m", memory: "32Mi" },
      }),
    ],
    volumes: [],
  };
}

function healthProbes(port: number, bootstrap: boolean): Json {
  const host = bootstrap ? "127.0.0.1" : undefined;
  return {
    startupProbe: {
      ...probe("/healthz", port, host),
      periodSeconds: 1,
      failureThreshold: 300,
      timeoutSeconds: 5,
    },
    readinessProbe: { ...probe("/healthz", port, host), periodSeconds: 2, timeoutSeconds: 5 },
    livenessProbe: {
      ...probe("/healthz", port, host),
      periodSeconds: 10,
      failureThreshold: 8,
      timeoutSeconds: 15,
    },
  };
}
