import { pki } from "./places.js";

/** What etcdctl needs on a control-plane node to reach the member there, as lines of a shell script; paths, no secrets. */
export const etcdctlSettings = `export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
export ETCDCTL_CACERT=${pki("etcd/ca.crt")}
export ETCDCTL_CERT=${pki("apiserver-etcd-client.crt")}
export ETCDCTL_KEY=${pki("apiserver-etcd-client.key")}
`;
