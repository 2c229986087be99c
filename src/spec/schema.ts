import * as z from "zod";
import { parseAddress } from "../net/address.js";
import { parseCidr } from "../net/cidr.js";
import { addonNames, checkAddon } from "./addons.js";
import { configurableComponents } from "./cluster-spec.js";
import { parseCni } from "./cni.js";
import {
  checkCertificateName,
  checkDomain,
  checkLabelKey,
  checkLabelValue,
  checkNodeName,
  checkProfileName,
} from "./names.js";
import { eachParsedBy, parsedBy } from "./parsed-by.js";
import { checkPreloadedImage } from "./preloaded-images.js";
import { shown, valueInvalid } from "./problems.js";
import { checkMount, parseMount, parsePortMapping } from "./publish.js";
import { parseCpus, parseMemory } from "./quantity.js";
import { parseSnapshotInterval } from "./snapshots.js";
import { checkTaint, parseTaint, taintEffects } from "./taint.js";

export const apiVersion = "slipway.dev/v1alpha1";

const memory = z
  .union([z.number(), z.string()])
  .check(parsedBy(parseMemory))
  .meta({
    description: "Limit of memory: 4Gi, 512Mi (powers of 1024), a number of MiB, max or no-limit",
    examples: ["4Gi", 4096, "no-limit"],
  });

const cpus = z
  .union([z.number(), z.string()])
  .check(parsedBy(parseCpus))
  .meta({
    description: "Limit of CPUs: 2, 1.5, 500m, max or no-limit",
    examples: [2, "1.5"],
  });

const address = z.string().check(parsedBy(parseAddress));

const subnet = z.string().check(
  parsedBy((text) => {
    if (text === "auto" || parseCidr(text).family === 4) return;
    throw valueInvalid(`${shown(text)} is IPv6; clusters have IPv4 networks, as 10.244.0.0/16`);
  }),
);

const port = z.int().min(1).max(65_535);

/** etcd's own advice: more members make every write slower and outlast no more losses that happen. */
const mostControlPlanes = 7;

const node = z
  .strictObject({
    name: z.string().check(parsedBy(checkNodeName)).optional().meta({
      description: "Default: the cluster's name for the first node, <cluster>-m02 … for the others",
    }),
    role: z.enum(["control-plane", "worker"]).optional().meta({
      description:
        "Default: control-plane for the first node (the first controlPlanes), worker for the others",
    }),
    memory: memory.optional(),
    cpus: cpus.optional(),
    labels: z
      .record(z.string(), z.string())
      .check(
        eachParsedBy((key, value) => {
          checkLabelKey(key);
          checkLabelValue(value);
        }),
      )
      .optional()
      .meta({ description: "Labels of the Node object" }),
    taints: z
      .array(
        z.union([
          z.string().check(parsedBy(parseTaint)).meta({ description: "key=value:Effect or key:Effect" }),
          z
            .strictObject({
              key: z.string().meta({ description: "name or domain/name" }),
              value: z.string().optional().meta({ description: "May be left out" }),
              effect: z
                .enum(taintEffects)
                .meta({ description: "What happens to pods that do not tolerate it" }),
            })
            .check(parsedBy(checkTaint)),
        ]),
      )
      .optional()
      .meta({ description: "Taints of the Node object" }),
  })
  .meta({ description: "A node" });

const network = z
  .strictObject({
    cni: z
      .string()
      .check(parsedBy(parseCni))
      .optional()
      .meta({
        description: "bridge (default), flannel, none, or the path of a manifest",
        examples: ["bridge", "./cni.yaml"],
      }),
    podSubnet: subnet.optional().meta({
      description:
        "CIDR of the pods; each node gets a /24 of it. Default: 10.244.0.0/16, or a free one near it",
    }),
    serviceSubnet: subnet.optional().meta({ description: "CIDR of the Services. Default: 10.96.0.0/16" }),
    nodeSubnet: subnet
      .optional()
      .meta({ description: "CIDR of the nodes; auto (default): a free 10.77.N.0/24" }),
    dnsDomain: z.string().check(parsedBy(checkDomain)).optional().meta({
      description: "DNS domain of the cluster. Default: cluster.local",
    }),
  })
  .meta({ description: "The cluster's networks" });

const apiServer = z
  .strictObject({
    port: port.optional().meta({ description: "Port of the API server. Default: 6443" }),
    names: z
      .array(z.string().check(parsedBy(checkCertificateName)))
      .optional()
      .meta({
        description: "Further DNS names of its certificate",
      }),
    ips: z.array(address).optional().meta({ description: "Further addresses of its certificate" }),
  })
  .meta({ description: "The API server" });

const settings = z.record(z.string(), z.json()).meta({
  description: "Flags of the component by name; for kubelet and proxy also fields of their configuration",
});

const extraConfig = z
  .strictObject(
    Object.fromEntries(configurableComponents.map((name) => [name, settings.optional()])) as Record<
      (typeof configurableComponents)[number],
      z.ZodOptional<typeof settings>
    >,
  )
  .meta({ description: "Flags and configuration fields of the components" });

const mount = z.union([
  z.string().check(parsedBy(parseMount)).meta({ description: "host:node[:ro]" }),
  z
    .strictObject({
      host: z.string().meta({ description: "Absolute path on the host" }),
      node: z.string().meta({ description: "Absolute path in every node" }),
      readOnly: z.boolean().optional().meta({ description: "Default: false" }),
    })
    .check(parsedBy(({ host, node, readOnly = false }) => checkMount({ host, node, readOnly }))),
]);

const portMapping = z.union([
  z.string().check(parsedBy(parsePortMapping)).meta({ description: "[address:]hostPort:nodePort[/udp]" }),
  z.strictObject({
    hostAddress: address.optional().meta({ description: "Default: 127.0.0.1" }),
    hostPort: port.meta({ description: "Port on the host" }),
    nodePort: port.meta({ description: "Port on the node" }),
    protocol: z.enum(["tcp", "udp"]).optional().meta({ description: "Default: tcp" }),
  }),
]);

const snapshots = z
  .strictObject({
    every: z
      .string()
      .check(parsedBy(parseSnapshotInterval))
      .meta({ description: "How often: 6h, 90m", examples: ["6h"] }),
    keep: z.int().min(1).max(1000).meta({ description: "How many each control-plane node keeps" }),
  })
  .meta({ description: "Snapshots that the cluster takes of itself; see slipway snapshot schedule" });

/** What the user writes: every field may be left out. */
export const formSchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion).optional().meta({ description: "The version of this format" }),
    kind: z.literal("Cluster").optional().meta({ description: "Always Cluster" }),
    metadata: z
      .strictObject({
        name: z.string().check(parsedBy(checkProfileName)).optional().meta({
          description: "The cluster's name, and its profile's. Default: slipway",
        }),
      })
      .optional()
      .meta({ description: "What names the cluster" }),
    kubernetesVersion: z
      .string()
      .optional()
      .meta({
        description: "v1.36.3, 1.36 (its newest patch), stable or latest",
        examples: ["v1.36.3", "1.36", "stable"],
      }),
    driver: z.enum(["sandbox"]).optional().meta({ description: "What the machines are made of" }),
    bootstrapper: z.enum(["units", "static", "selfhosted"]).optional().meta({
      description:
        "Where the control plane lives: systemd units on its nodes (default), static pods of their kubelets, or objects of the cluster itself",
    }),
    containerRuntime: z.enum(["containerd"]).optional().meta({ description: "What runs containers" }),
    nodes: z
      .union([
        z.int().min(1).max(1000).meta({ description: "How many: control planes first, then workers" }),
        z.array(node).min(1),
      ])
      .optional()
      .meta({ description: "The nodes: how many, or one by one. Default: 1" }),
    controlPlanes: z.int().min(1).max(mostControlPlanes).optional().meta({
      description:
        "How many of the nodes are control planes: 1 (default), 3 or 5; nodes with roles of their own say it too",
    }),
    memory: memory.optional(),
    cpus: cpus.optional(),
    network: network.optional(),
    apiServer: apiServer.optional(),
    extraConfig: extraConfig.optional(),
    featureGates: z.record(z.string(), z.boolean()).optional().meta({
      description: "Kubernetes feature gates, for every component",
    }),
    addons: z
      .array(z.string().check(parsedBy(checkAddon)))
      .optional()
      .meta({
        description: `Add-ons beside the default ones; a leading - turns one off. There are ${addonNames.join(", ")}`,
        examples: [["metrics-server", "-storage-provisioner"]],
      }),
    images: z
      .array(z.string().check(parsedBy(checkPreloadedImage)))
      .optional()
      .meta({
        description:
          "Images that every node has from the start: names of slipway's own, see slipway components list",
        examples: [["agnhost"]],
      }),
    mounts: z.array(mount).optional().meta({ description: "Host paths that every node sees" }),
    ports: z.array(portMapping).optional().meta({
      description: "Ports of the first node that the host publishes",
    }),
    snapshots: snapshots.optional(),
  })
  .meta({ title: "Cluster", description: "A Kubernetes cluster, as slipway starts it" });

/** What the user wrote, with gaps; `resolveSpec` fills them. */
export type ClusterForm = z.input<typeof formSchema>;

export type NodeForm = Exclude<NonNullable<ClusterForm["nodes"]>, number>[number];
