import type { Context } from "../base/context.js";
import type { StoredComponent } from "../components/component.js";
import { runInNodeImage } from "./run-once.js";

/**
 * Runs in the container: containerd with its CRI plugin, which makes each imported image known to kubelet (its events
 * label the image as managed and add its ID as a name), then an orderly end so that the databases are closed.
 */
const script = `set -eu
# Our own file, for the node image has none.
echo 'version = 3' >/run/containerd.toml
containerd --config /run/containerd.toml --log-level warn &
daemon=$!
until ctr version >/dev/null 2>&1; do kill -0 $daemon; sleep 0.05; done
for archive in /mnt/*.tar; do
  ctr --namespace k8s.io images import --local --snapshotter overlayfs --discard-unpacked-layers \\
    --label io.cri-containerd.pinned=pinned "$archive"
  echo "imported $archive"
done
managed() { ctr --namespace k8s.io images list | grep -c 'io.cri-containerd.image=managed'; }
tries=0
# Each image has two names: its reference and its ID.
until [ "$(managed)" -ge $((2 * $1)) ]; do
  tries=$((tries + 1)); [ $tries -lt 200 ] || { ctr -n k8s.io images list; exit 1; }
  sleep 0.05
done
# Of unpacked layers nobody needs the tar file again: half of the set's size.
ctr --namespace k8s.io content prune references >/dev/null
kill -TERM $daemon
wait $daemon || true
`;

/**
 * Imports image archives into a containerd root directory, in a container of the node image.
 *
 * @param place `id`: of the container, used by nobody else at this time; `scratch`: a directory for its bundle
 * @throws {SlipwayError} `PROGRAM_FAILED` with containerd's last lines
 */
export async function importImages(
  images: StoredComponent[],
  { nodeImage, layer }: { nodeImage: string; layer: string },
  { id, root, scratch }: { id: string; root: string; scratch: string },
  context: Context,
): Promise<void> {
  let done = 0;
  const tell = (state: "running" | "ok" | "failed") =>
    context.events({
      type: "progress",
      subject: "images",
      phase: "import",
      done,
      total: images.length,
      unit: "files",
      state,
    });
  tell("running");
  const onLine = (line: string) => {
    if (!line.startsWith("imported ")) return;
    done += 1;
    tell("running");
  };
  const binds = [
    { source: root, destination: "/var/lib/containerd", writable: true },
    ...images.map(({ path, name }) => ({ source: path, destination: `/mnt/${name}.tar` })),
  ];
  try {
    const args = [String(images.length)];
    await runInNodeImage({ id, nodeImage, layer, scratch, script, args, binds, onLine }, context);
  } catch (error) {
    tell("failed");
    throw error;
  }
  tell("ok");
}
