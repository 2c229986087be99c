import { describe, expect, test } from "vitest";
import { clusterJsonSchema } from "./json-schema.js";
import { complaints, fieldsOf, head } from "./testing.js";

// Each row: the field, what is written after apiVersion and kind (line 3 on), what is said.
const fileRows: [field: string, yaml: string, said: string][] = [
  ["metadata", "metadata:", "3:1 metadata: is empty; write a map, or leave the field out"],
  ["metadata", "metadata: demo", '3:1 metadata: "demo" is not a map'],
  ["metadata", "metadata: {nam: demo}", "3:12 metadata.nam: there is no such field, did you mean name?"],
  [
    "metadata.name",
    "metadata: {name: 123}",
    '3:12 metadata.name: 123 is not a text; write it in quotes, as "123"',
  ],
  [
    "metadata.name",
    "metadata: {name: Demo}",
    '3:12 metadata.name: "Demo" cannot be a cluster\'s name: use lower-case',
  ],
  ["metadata.name", "metadata: {name: demo-}", '"demo-" cannot be a cluster\'s name'],
  ["metadata.name", 'metadata: {name: ""}', '"" cannot be a cluster\'s name'],
  ["metadata.name", "metadata: {name: ../x}", '"../x" cannot be a cluster\'s name'],
  [
    "metadata.name",
    `metadata: {name: ${"a".repeat(49)}}`,
    "is too long for a cluster's name: 49 characters, at most 48",
  ],
  [
    "kubernetesVersion",
    "kubernetesVersion: 1.33",
    '3:1 kubernetesVersion: Kubernetes "1.33" is not offered; near it: v1.34.4, v1.35.4, v1.36.3',
  ],
  [
    "kubernetesVersion",
    "kubernetesVersion: v1.36.9",
    'Kubernetes "v1.36.9" is not offered; near it: v1.36.3, v1.36.1, v1.35.4',
  ],
  [
    "kubernetesVersion",
    "kubernetesVersion: newest",
    '"newest" is not a Kubernetes version; write v1.36.3, 1.36, stable or latest',
  ],
  ["kubernetesVersion", "kubernetesVersion: [1.36]", 'kubernetesVersion: ["1.36"] is not a text'],
  ["driver", "driver: sandbx", '3:1 driver: "sandbx" is not possible here, did you mean sandbox?'],
  ["driver", "driver: docker", '"docker" is not possible here; there is sandbox'],
  [
    "bootstrapper",
    "bootstrapper: pods",
    '3:1 bootstrapper: "pods" is not possible here; there are units, static, selfhosted',
  ],
  [
    "containerRuntime",
    "containerRuntime: docker",
    '3:1 containerRuntime: "docker" is not possible here; there is containerd',
  ],
  ["nodes", "nodes: 0", "3:1 nodes: 0 is too small; at least 1"],
  ["nodes", "nodes: 1.5", "3:1 nodes: 1.5 is not a whole number"],
  ["nodes", "nodes: three", '3:1 nodes: "three" is not a number or a list'],
  ["nodes", "nodes: []", "3:1 nodes: is empty"],
  ["nodes", "nodes: 1001", "3:1 nodes: 1001 is too large; at most 1000"],
  ["nodes", "nodes: 254", "network.nodeSubnet: 10.77.0.0/24 has room for 253 nodes, and 254 are needed"],
  ["nodes", "nodes:\n- worker", '4:3 nodes[0]: "worker" is not a map'],
  ["nodes", "nodes:\n- rol: worker", "4:3 nodes[0].rol: there is no such field, did you mean role?"],
  [
    "controlPlanes",
    "controlPlanes: 4",
    "3:1 controlPlanes: 4 control planes outlast the loss of no more than 3",
  ],
  ["controlPlanes", "controlPlanes: three", '3:1 controlPlanes: "three" is not a number'],
  ["snapshots", "snapshots: often", '3:1 snapshots: "often" is not a map'],
  ["snapshots.every", "snapshots: {every: 1s, keep: 3}", '"1s" is too often for snapshots; 10s at least'],
  ["snapshots.every", "snapshots: {every: 60d, keep: 3}", "3:13 snapshots.every: "],
  ["snapshots.keep", "snapshots: {every: 6h, keep: 0}", "3:24 snapshots.keep: 0 is too small; at least 1"],
  [
    "controlPlanes",
    "controlPlanes: 3\nnodes: [{}, {}]",
    "3:1 controlPlanes: 3 control planes are asked for, and the list of nodes has 2",
  ],
  ["nodes[].name", "nodes:\n- {name: a}\n- {name: a}", "5:4 nodes[1].name: nodes[0] is called a as well"],
  ["nodes[].name", "nodes:\n- {name: a_b}", '4:4 nodes[0].name: "a_b" cannot be a node\'s name'],
  [
    "nodes[].name",
    `nodes:\n- {name: ${"a".repeat(53)}}`,
    "is too long for a node's name: 53 characters, at most 52",
  ],
  ["nodes[].role", "nodes:\n- role: worker", "4:3 nodes[0].role: the first node must be the control plane"],
  [
    "nodes[].role",
    "nodes:\n- role: control-plane\n- role: control-plane",
    "3:1 nodes: 2 control planes outlast the loss of no more than 1 do; take 1 or 3",
  ],
  [
    "nodes[].role",
    "nodes:\n- role: master",
    '4:3 nodes[0].role: "master" is not possible here; there are control-plane, worker',
  ],
  [
    "nodes[].memory",
    "nodes:\n- role: control-plane\n  memory: 4GX",
    '5:3 nodes[0].memory: "4GX" is not an amount of memory; write 4Gi',
  ],
  [
    "nodes[].memory",
    "nodes:\n- memory: 1000Mi",
    "4:3 nodes[0].memory: 1000 MiB is too little for a control-plane node; at least 1 GiB",
  ],
  [
    "nodes[].memory",
    "nodes:\n- {}\n- memory: 256",
    "5:3 nodes[1].memory: 256 MiB is too little for a worker node; at least 512 MiB",
  ],
  ["nodes[].memory", "nodes:\n- memory: -1", "4:3 nodes[0].memory: -1 is not an amount of memory"],
  ["nodes[].memory", "nodes:\n- memory: [1]", "4:3 nodes[0].memory: [1] is not a number or a text"],
  ["nodes[].cpus", "nodes:\n- cpus: 0", "4:3 nodes[0].cpus: 0 is not a number of CPUs; write 2, 1.5 or 500m"],
  ["nodes[].cpus", "nodes:\n- cpus: two", '4:3 nodes[0].cpus: "two" is not a number of CPUs'],
  [
    "nodes[].labels",
    "nodes:\n- labels: {a: true}",
    '4:12 nodes[0].labels.a: true is not a text; write it in quotes, as "true"',
  ],
  [
    "nodes[].labels",
    "nodes:\n- labels:\n    a b: c",
    '5:5 nodes[0].labels["a b"]: "a b" is not a label\'s key',
  ],
  ["nodes[].labels", "nodes:\n- labels: {a: b c}", 'nodes[0].labels.a: "b c" is not a label\'s value'],
  ["nodes[].labels", "nodes:\n- labels: {a/b/c: d}", '"a/b/c" is not a label\'s key'],
  ["nodes[].labels", "nodes:\n- labels: {A_/b: d}", '"A_" is not a DNS domain'],
  [
    "nodes[].taints",
    "nodes:\n- taints: [a]",
    '4:12 nodes[0].taints[0]: "a" is not a taint; write key=value:NoSchedule',
  ],
  [
    "nodes[].taints",
    "nodes:\n- taints: ['a:NoSched']",
    '"NoSched" is not a taint\'s effect, did you mean NoSchedule?',
  ],
  [
    "nodes[].taints",
    "nodes:\n- taints: [{key: a}]",
    "4:12 nodes[0].taints[0].effect: is missing; write NoSchedule or PreferNoSchedule or NoExecute",
  ],
  ["nodes[].taints", "nodes:\n- taints: [{key: a b, effect: NoExecute}]", '"a b" is not a label\'s key'],
  [
    "nodes[].taints",
    "nodes:\n- taints: ['a:NoExecute', 'a=b:NoExecute']",
    "4:3 nodes[0].taints: the taint a:NoExecute is given twice",
  ],
  ["memory", "memory: 512Mi", "3:1 memory: 512 MiB is too little for a control-plane node; at least 1 GiB"],
  ["memory", "memory: lots", '3:1 memory: "lots" is not an amount of memory'],
  ["cpus", "cpus: -1", "3:1 cpus: -1 is not a number of CPUs"],
  ["network", "network: bridge", '3:1 network: "bridge" is not a map'],
  [
    "network.cni",
    "network: {cni: calico}",
    '3:11 network.cni: there is no CNI "calico"; there are bridge, flannel, none, and manifests by their path',
  ],
  ["network.cni", "network: {cni: flanel}", 'there is no CNI "flanel", did you mean flannel?'],
  [
    "network.cni",
    "network: {cni: 'https://example.com/cni.yaml'}",
    "is a URL; download the manifest and give the file's path",
  ],
  [
    "network.podSubnet",
    "network: {podSubnet: 10.244.0.1/16}",
    'network.podSubnet: "10.244.0.1/16" has bits set after its prefix; its network is 10.244.0.0/16',
  ],
  [
    "network.podSubnet",
    "network:\n  podSubnet: 10.96.0.0/12\n  serviceSubnet: 10.96.0.0/16",
    "5:3 network.serviceSubnet: 10.96.0.0/16 overlaps the podSubnet 10.96.0.0/12",
  ],
  [
    "network.podSubnet",
    "nodes: 3\nnetwork: {podSubnet: 10.10.0.0/23}",
    "4:11 network.podSubnet: 10.10.0.0/23 has room for 2 nodes with a /24 each, and 3 are needed",
  ],
  ["network.podSubnet", "network: {podSubnet: 64.0.0.0/2}", "64.0.0.0/2 is too large; the largest is a /8"],
  [
    "network.podSubnet",
    "network: {podSubnet: 'fd00::/48'}",
    '"fd00::/48" is IPv6; clusters have IPv4 networks',
  ],
  [
    "network.podSubnet",
    "network: {podSubnet: 10.244}",
    "network.podSubnet: 10.244 is not a text; write it in quotes",
  ],
  [
    "network.serviceSubnet",
    "network: {serviceSubnet: 10.0.0.0/8}",
    "3:11 network.serviceSubnet: 10.0.0.0/8 is too large; the largest is a /12",
  ],
  [
    "network.serviceSubnet",
    "network: {serviceSubnet: 10.96.0.0/29}",
    "10.96.0.0/29 is too small; the smallest is a /28",
  ],
  ["network.serviceSubnet", "network: {serviceSubnet: 10.96.0.0}", '"10.96.0.0" is not a CIDR'],
  [
    "network.nodeSubnet",
    "network: {nodeSubnet: 10.5.0.0/30}\nnodes: 2",
    "3:11 network.nodeSubnet: 10.5.0.0/30 has room for 1 nodes, and 2 are needed",
  ],
  [
    "network.nodeSubnet",
    "network: {nodeSubnet: 10.5.0.0/29}\nnodes: 5\ncontrolPlanes: 3",
    "3:11 network.nodeSubnet: 10.5.0.0/29 has room for 4 nodes, and 5 are needed",
  ],
  [
    "network.nodeSubnet",
    "network: {nodeSubnet: 10.5.0.0/31}",
    "10.5.0.0/31 has room for 0 nodes, and 1 are needed",
  ],
  ["network.nodeSubnet", "network: {nodeSubnet: any}", '"any" is not a CIDR'],
  [
    "network.nodeSubnet",
    "network: {nodeSubnet: 10.244.3.0/24, podSubnet: 10.244.0.0/16}",
    "network.nodeSubnet: 10.244.3.0/24 overlaps the podSubnet 10.244.0.0/16",
  ],
  [
    "network.dnsDomain",
    "network: {dnsDomain: cluster_local}",
    '3:11 network.dnsDomain: "cluster_local" is not a DNS domain',
  ],
  ["network.dnsDomain", "network: {dnsDomain: .}", '"." is not a DNS domain'],
  ["apiServer", "apiServer: 6443", "3:1 apiServer: 6443 is not a map"],
  ["apiServer.port", "apiServer: {port: 0}", "3:13 apiServer.port: 0 is too small; at least 1"],
  ["apiServer.port", "apiServer: {port: 70000}", "70000 is too large; at most 65535"],
  [
    "apiServer.port",
    "apiServer: {port: 10250}",
    "10250 is kubelet's own port; take another, as 6443 or 8443",
  ],
  ["apiServer.port", "apiServer: {port: 30000}", "30000 lies in the range of NodePort Services"],
  ["apiServer.port", 'apiServer: {port: "6443"}', '"6443" is not a number'],
  ["apiServer.names", "apiServer: {names: [a_b]}", '3:21 apiServer.names[0]: "a_b" is not a DNS domain'],
  [
    "apiServer.names",
    "apiServer: {names: [10.0.0.1]}",
    '"10.0.0.1" is not a DNS name; addresses belong into ips',
  ],
  ["apiServer.names", "apiServer: {names: a.example.com}", '"a.example.com" is not a list'],
  [
    "apiServer.ips",
    "apiServer: {ips: [localhost]}",
    '3:19 apiServer.ips[0]: "localhost" is not an IP address',
  ],
  ["apiServer.ips", "apiServer: {ips: [10.0.0.256]}", '"10.0.0.256" is not an IP address'],
  [
    "extraConfig",
    "extraConfig: {kubelt: {}}",
    "3:15 extraConfig.kubelt: there is no such field, did you mean kubelet?",
  ],
  [
    "extraConfig.apiserver",
    "extraConfig: {apiserver: {audit-log-pth: /x}}",
    '3:27 extraConfig.apiserver.audit-log-pth: apiserver has no flag "audit-log-pth", did you mean audit-log-path',
  ],
  [
    "extraConfig.apiserver",
    "extraConfig: {apiserver: {v: }}",
    "extraConfig.apiserver.v: is empty; write a value",
  ],
  [
    "extraConfig.apiserver",
    "extraConfig: {apiserver: {v: [1]}}",
    "extraConfig.apiserver.v: is a flag: its value is a text, a number, true or false",
  ],
  [
    "extraConfig.controller-manager",
    "extraConfig: {controller-manager: {alocate-node-cidrs: true}}",
    "did you mean allocate-node-cidrs?",
  ],
  ["extraConfig.scheduler", "extraConfig: {scheduler: {leader-elct: true}}", "did you mean leader-elect"],
  [
    "extraConfig.kubelet",
    "extraConfig: {kubelet: {maxpod: 5}}",
    'kubelet has no flag or configuration field "maxpod", did you mean maxPods',
  ],
  [
    "extraConfig.kubelet",
    "extraConfig: {kubelet: {maxPods: many}}",
    '3:25 extraConfig.kubelet.maxPods: "many" is not a whole number, which maxPods needs',
  ],
  [
    "extraConfig.kubelet",
    "extraConfig: {kubelet: {evictionHard: 5%}}",
    '"5%" is not a map, as {a: b}, which evictionHard needs',
  ],
  [
    "extraConfig.kubelet",
    "extraConfig: {kubelet: {clusterDNS: 10.96.0.10}}",
    '"10.96.0.10" is not a list, as [a, b], which clusterDNS needs',
  ],
  [
    "extraConfig.kubelet",
    "extraConfig: {kubelet: {failSwapOn: maybe}}",
    '"maybe" is not true or false, which failSwapOn needs',
  ],
  ["extraConfig.kubelet", "extraConfig: {kubelet: {evictionHard: '{'}}", '"{" is not YAML'],
  [
    "extraConfig.proxy",
    "extraConfig: {proxy: {proxy-mod: x}}",
    'proxy has no flag or configuration field "proxy-mod", did you mean proxy-mode?',
  ],
  [
    "extraConfig.etcd",
    "extraConfig: {etcd: {qota-backend-bytes: 1}}",
    'etcd has no flag "qota-backend-bytes", did you mean quota-backend-bytes?',
  ],
  [
    "featureGates",
    "featureGates: {InPlacePodVerticalScalin: true}",
    "3:16 featureGates.InPlacePodVerticalScalin: Kubernetes v1.36.3 has no such gate, did you mean InPlacePodVerticalScaling",
  ],
  ["featureGates", "featureGates: {AllAlpha: yes}", 'featureGates.AllAlpha: "yes" is not true or false'],
  ["featureGates", "featureGates: [AllAlpha]", '3:1 featureGates: ["AllAlpha"] is not a map'],
  [
    "featureGates",
    "featureGates: {SidecarContainers: false}",
    "Kubernetes v1.36.3 has locked this gate to true",
  ],
  [
    "addons",
    "addons: [metric-server]",
    '3:10 addons[0]: there is no add-on "metric-server", did you mean metrics-server?',
  ],
  [
    "addons",
    "addons: [-dashboard]",
    'there is no add-on "dashboard"; there are coredns, default-storageclass, storage-provisioner, metrics-server',
  ],
  ["addons", "addons: metrics-server", '"metrics-server" is not a list'],
  [
    "images",
    "images: [agnhst]",
    '3:10 images[0]: "agnhst" is not one of slipway\'s own images, did you mean agnhost?',
  ],
  ["mounts", "mounts: [/src]", '3:10 mounts[0]: "/src" is not a mount; write host:node[:ro]'],
  ["mounts", "mounts: ['src:/src']", '"src" is not an absolute path'],
  ["mounts", "mounts: ['/a:/x', '/b:/x/']", "3:19 mounts[1]: mounts[0] is mounted to /x as well"],
  ["mounts", "mounts: ['/a:/mnt/../etc']", '"/mnt/../etc" belongs to the node itself; mount to another path'],
  ["mounts[].host", "mounts: [{host: src, node: /src}]", '3:10 mounts[0]: "src" is not an absolute path'],
  ["mounts[].node", "mounts: [{host: /src}]", "3:10 mounts[0].node: is missing"],
  ["mounts[].node", "mounts: [{host: /src, node: /proc/x}]", '"/proc/x" belongs to the node itself'],
  [
    "mounts[].readOnly",
    "mounts: [{host: /src, node: /src, readOnly: 1}]",
    "mounts[0].readOnly: 1 is not true or false",
  ],
  ["ports", "ports: [8080]", "3:9 ports[0]: 8080 is not a text or a map"],
  [
    "ports",
    "ports: ['8080']",
    '3:9 ports[0]: "8080" is not a port mapping; write [address:]hostPort:nodePort[/udp]',
  ],
  ["ports", "ports: ['8080:99999']", '"99999" is not a port'],
  ["ports", "ports: ['8080:80/sctp']", 'has protocol "sctp"; there are tcp and udp'],
  ["ports", "ports: ['host:8080:80']", '"host" is not an IP address'],
  [
    "ports",
    "ports: ['8080:80', '8080:81']",
    "3:20 ports[1]: 127.0.0.1:8080:81/tcp takes the same port of the host as ports[0], 127.0.0.1:8080:80/tcp",
  ],
  [
    "ports",
    "ports: ['0.0.0.0:8080:80', '8080:81']",
    "takes the same port of the host as ports[0], 0.0.0.0:8080:80/tcp",
  ],
  [
    "ports[].hostAddress",
    "ports: [{hostAddress: a, hostPort: 1, nodePort: 1}]",
    '3:10 ports[0].hostAddress: "a" is not an IP address',
  ],
  ["ports[].hostPort", "ports: [{nodePort: 1}]", "ports[0].hostPort: is missing"],
  [
    "ports[].nodePort",
    "ports: [{hostPort: 1, nodePort: 0}]",
    "ports[0].nodePort: 0 is too small; at least 1",
  ],
  [
    "ports[].protocol",
    "ports: [{hostPort: 1, nodePort: 1, protocol: TCP}]",
    '"TCP" is not possible here, did you mean tcp',
  ],
  ["", "nodez: 3", "3:1 nodez: there is no such field, did you mean nodes?"],
];

describe("a cluster file that is wrong", () => {
  test.each(fileRows)("%s: %j", (_, yaml, said) => {
    const complaint = complaints(head + yaml);
    expect(complaint[0]).toMatch(/^cluster\.yaml:\d+:\d+ /);
    expect(complaint[0]).toContain(said);
  });

  test("every field has a row", () => {
    const covered = new Set(fileRows.map(([field]) => field));
    const missing = fieldsOf(clusterJsonSchema()).filter((field) => !covered.has(field));
    // The two that say what a file is are tested in load.test.ts; a taint's parts with the taints.
    expect(missing.filter((field) => !/^(apiVersion|kind|nodes\[\]\.taints\[\]\.\w+)$/.test(field))).toEqual(
      [],
    );
  });

  test("all problems are told at once", () => {
    expect(complaints(`${head}nodes: 0\ndriver: x\nports: ['a']\n`)).toHaveLength(3);
    expect(
      complaints(`${head}memory: 1\nfeatureGates: {Foo: true}\nextraConfig: {etcd: {foo: 1}}\n`),
    ).toHaveLength(3);
  });
});
