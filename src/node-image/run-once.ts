import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { exists } from "../base/files.js";
import { run } from "../base/run.js";
import { Scope } from "../base/scope.js";
import { isolated } from "../components/oci/isolated.js";
import { removeCgroupIfEmpty } from "../machines/sandbox/cgroups.js";
import { readHostFacts } from "../machines/sandbox/host-facts.js";

/** The state of our containers, kept apart from other users of runc. */
const runcRoot = "/run/slipway-import";

export interface Bind {
  source: string;
  /** Under /mnt, /run or /tmp, or a path that the node image has. */
  destination: string;
  writable?: boolean;
}

export interface OnceRequest {
  /** Of the container, used by nobody else at this time. */
  id: string;
  nodeImage: string;
  layer: string;
  /** A directory for the bundle; made if missing. */
  scratch: string;
  /** Run by /bin/sh, with `args` as $1, $2 … */
  script: string;
  args?: string[];
  binds: Bind[];
  onLine?: (line: string) => void;
}

/**
 * Runs a shell script in a container of the node image, with the components' binaries in /usr/local/bin, no network, and of
 * the host only what is bound: for what is made once and shared by all clusters. Nothing of it remains.
 *
 * @throws {SlipwayError} `PROGRAM_FAILED` with its last lines
 */
export async function runInNodeImage(request: OnceRequest, context: Context): Promise<void> {
  const { id, scratch, onLine } = request;
  for (const { destination } of request.binds) await checkMountPoint(request.nodeImage, destination);
  await mkdir(scratch, { recursive: true });
  await writeFile(join(scratch, "script.sh"), request.script);
  await writeFile(join(scratch, "config.json"), JSON.stringify(await containerConfig(request)));
  await using scope = new Scope();
  const remove = async () => {
    await run("runc", ["--root", runcRoot, "delete", "--force", id], { allowFailure: true });
    await removeCgroupIfEmpty("/slipway");
    await rmdir(runcRoot).catch(() => {}); // in use by another container, or never made
  };
  await remove(); // what a killed run left: its processes are gone, its cgroup is not
  scope.defer(remove);
  await run(...isolated("runc", "--root", runcRoot, "run", "--bundle", scratch, id), {
    signal: context.signal,
    ...(onLine ? { onLine } : {}),
  });
}

/** runc makes missing mount points, and would make them in the image that all nodes share. */
async function checkMountPoint(nodeImage: string, destination: string): Promise<void> {
  if (/^\/(mnt|run|tmp)\/./.test(destination) || (await exists(join(nodeImage, destination)))) return;
  throw new SlipwayError("INTERNAL", `the node image has no ${destination} to mount something at`);
}

/** An OCI runtime config (runtime-spec 1.0.2): the node image read-only, with enough around it for containerd. */
async function containerConfig({ id, nodeImage, layer, scratch, args = [], binds }: OnceRequest) {
  const { capabilities } = await readHostFacts();
  const bind = ({ source, destination, writable }: Bind) => ({
    destination,
    type: "bind",
    source,
    options: ["rbind", writable ? "rw" : "ro"],
  });
  const tmpfs = (destination: string, ...options: string[]) => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", ...options],
  });
  return {
    ociVersion: "1.0.2",
    hostname: "slipway-once",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/bin/sh", "/run/script.sh", ...args],
      env: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    root: { path: nodeImage, readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      tmpfs("/dev", "mode=755"),
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
      {
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "ro"],
      },
      tmpfs("/run", "nodev", "mode=755"),
      tmpfs("/tmp", "nodev", "mode=1777"),
      tmpfs("/mnt", "nodev", "mode=755"),
      bind({ source: join(layer, "usr/local/bin"), destination: "/usr/local/bin" }),
      bind({ source: join(scratch, "script.sh"), destination: "/run/script.sh" }),
      ...binds.map(bind),
    ],
    linux: {
      cgroupsPath: `/slipway/${id}`,
      namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
    },
  };
}
