import { join } from "node:path";

/** Where one machine lives on the host's disk; the directory is its OCI bundle. */
export interface MachineLayout {
  directory: string;
  /** The OCI config; written last: a directory without it is a create that was cut short. */
  config: string;
  /** Where the root's overlay is mounted, in mount namespaces of our own only. */
  root: string;
  upper: string;
  work: string;
  volumes: string;
  /** What runc had to say. */
  runcLog: string;
  /** Standard output and error of init, until its journal is up. */
  console: string;
}

export interface ClusterLayout {
  directory: string;
  machines: string;
  /** Directories of deleted machines, on their way out. */
  trash: string;
  /** Bound over every machine's /etc/hosts. */
  hosts: string;
  /** Bound over every machine's /etc/resolv.conf. */
  resolvConf: string;
}

export function clusterLayout(stateDirectory: string, cluster: string): ClusterLayout {
  const directory = join(stateDirectory, cluster);
  return {
    directory,
    machines: join(directory, "machines"),
    trash: join(directory, "trash"),
    hosts: join(directory, "hosts"),
    resolvConf: join(directory, "resolv.conf"),
  };
}

export function machineLayout(stateDirectory: string, cluster: string, machine: string): MachineLayout {
  const directory = join(clusterLayout(stateDirectory, cluster).machines, machine);
  return {
    directory,
    config: join(directory, "config.json"),
    root: join(directory, "root"),
    upper: join(directory, "upper"),
    work: join(directory, "work"),
    volumes: join(directory, "volumes"),
    runcLog: join(directory, "runc.log"),
    console: join(directory, "console.log"),
  };
}

/** `/var/lib/etcd` → `…/volumes/var+lib+etcd` */
export const volumeDirectory = (layout: MachineLayout, path: string): string =>
  join(layout.volumes, path.split("/").filter(Boolean).join("+"));
