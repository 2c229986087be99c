import type { IgnitionUnit } from "../ignition/config.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { controlPlaneNodes, endpointAddress, isHighlyAvailable, type NodeAddress } from "./addresses.js";
import { pki } from "./places.js";
import { beforeOthers, serviceText } from "./unit.js";

/**
 * The endpoint of several control planes. Each of them runs keepalived, of which one holds the endpoint's address, and haproxy,
 * which listens there and on 127.0.0.1 and spreads connections over all API servers that say that they are ready. One control
 * plane alone has none of it: its API server listens on all of its addresses.
 */

/** A file of the endpoint on a node. */
interface EndpointFile {
  path: string;
  contents: string;
  mode: number;
}

export const haproxyConfigPath = "/etc/haproxy/haproxy.cfg";
export const keepalivedConfigPath = "/etc/keepalived/keepalived.conf";
const healthScriptPath = "/etc/slipway/endpoint-health.sh";
/** Where haproxy says on 127.0.0.1 that it serves; `src/spec/cross-checks.ts` keeps it free. */
const healthPort = 10264;

export function endpointFiles(spec: ClusterSpec, node: NodeAddress): EndpointFile[] {
  if (!isHighlyAvailable(spec)) return [];
  return [
    { path: haproxyConfigPath, contents: haproxyConfig(spec), mode: 0o644 },
    { path: keepalivedConfigPath, contents: keepalivedConfig(spec, node), mode: 0o600 },
    { path: healthScriptPath, contents: healthScript, mode: 0o700 },
  ];
}

/**
 * haproxy.cfg. Connections are passed on as they are: clients check the API server's certificate, and it theirs. An API server
 * that is not ready gets no new connection and keeps those that it has, so that one that ends in order ends without a failed
 * call. One that vanished with its machine is known by what it does not acknowledge.
 */
function haproxyConfig(spec: ClusterSpec): string {
  const { port } = spec.apiServer;
  const servers = controlPlaneNodes(spec).map(({ name, address }) => `  server ${name} ${address}:${port}\n`);
  return `global
  log stdout format raw local0 notice
  user haproxy
  group haproxy
  chroot /var/lib/haproxy
  maxconn 4096
  hard-stop-after 10m

defaults
  mode tcp
  log global
  timeout connect 500ms
  timeout client 1d
  timeout server 1d
  timeout check 2s
  retries 3
  option redispatch 1
  option clitcpka
  option srvtcpka
  srvtcpka-idle 3s
  srvtcpka-intvl 1s
  srvtcpka-cnt 3

frontend api
  bind ${endpointAddress(spec)}:${port} tcp-ut 10s
  bind 127.0.0.1:${port}
  default_backend api-servers

backend api-servers
  balance leastconn
  option httpchk
  http-check send meth GET uri /readyz
  http-check expect status 200
  default-server check check-ssl verify required ca-file ${pki("ca.crt")} inter 1s fastinter 200ms downinter 250ms fall 2 rise 1 tcp-ut 3s
${servers.join("")}
frontend health
  mode http
  bind 127.0.0.1:${healthPort}
  monitor-uri /healthz
`;
}

/**
 * keepalived.conf: VRRP 3 (RFC 5798) by unicast, which every network lets through. The address stays where it is while its
 * node serves (nopreempt): a node that comes back breaks no connection.
 */
function keepalivedConfig(spec: ClusterSpec, node: NodeAddress): string {
  const controlPlanes = controlPlaneNodes(spec);
  const rank = controlPlanes.findIndex(({ name }) => name === node.name);
  const peers = controlPlanes.filter(({ name }) => name !== node.name);
  return `global_defs {
  router_id ${node.name}
  vrrp_version 3
  enable_script_security
  script_user root
}

vrrp_script haproxy {
  script ${healthScriptPath}
  interval 1
  timeout 1
  fall 2
  rise 1
}

vrrp_instance api {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 77
  priority ${200 - rank}
  advert_int 0.3
  unicast_src_ip ${node.address}
  unicast_peer {
${peers.map(({ address }) => `    ${address}\n`).join("")}  }
  virtual_ipaddress {
    ${endpointAddress(spec)}/32
  }
  track_script {
    haproxy
  }
}
`;
}

/** Asks haproxy whether it serves; keepalived runs it every second. */
const healthScript = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${healthPort} || exit 1
printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 1 answer <&3
[[ $answer == *' 200 '* ]]
`;

export function endpointUnits(spec: ClusterSpec): IgnitionUnit[] {
  if (!isHighlyAvailable(spec)) return [];
  return [
    {
      name: "haproxy.service",
      enabled: true,
      contents: serviceText({
        description: "haproxy, the cluster's endpoint",
        command: ["/usr/sbin/haproxy", "-Ws", "-f", haproxyConfigPath],
        type: "notify",
        options: [
          // The endpoint's address is on one node at a time.
          "ExecStartPre=/usr/sbin/sysctl -qw net.ipv4.ip_nonlocal_bind=1",
          "ExecReload=/bin/kill -USR2 $MAINPID",
          "KillMode=mixed",
          // Two for each connection of maxconn: a container may have no more than some 20,000.
          "LimitNOFILE=16384",
          ...beforeOthers,
        ],
      }),
    },
    {
      name: "keepalived.service",
      enabled: true,
      contents: serviceText({
        description: "keepalived, the endpoint's address",
        after: ["haproxy.service"],
        command: ["/usr/sbin/keepalived", "--dont-fork", "--vrrp"],
        options: ["ExecReload=/bin/kill -HUP $MAINPID", ...beforeOthers],
      }),
    },
  ];
}
