import type { PlatformFacts } from "./facts.js";
import { imageNames } from "./images.js";
import { places } from "./places.js";

/** containerd's config.toml, version 3 (containerd 2.x). */
export function containerdConfig(facts: PlatformFacts): string {
  return `version = 3
root = "${places.containerdRoot}"
state = "/run/containerd"

[grpc]
address = "${places.containerdSocket}"

[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${imageNames.pause}"

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = ${!facts.mayLowerOomScore}

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["${places.cniBin}"]
conf_dir = "${places.cniConfig}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = ${facts.cgroupVersion === 2}
`;
}
