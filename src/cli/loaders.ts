import type { CommandModule } from "./command.js";
import type { CommandName } from "./commands.js";

/** Loads a command's module: each is a chunk of its own, read only when its command is called. */
export const loaders: Record<CommandName, () => Promise<CommandModule>> = {
  addons: () => import("./commands/addons.js"),
  bundle: () => import("./commands/bundle.js"),
  butane: () => import("./commands/butane.js"),
  certs: () => import("./commands/certs.js"),
  completion: () => import("./commands/completion.js"),
  components: () => import("./commands/components.js"),
  config: () => import("./commands/config.js"),
  cp: () => import("./commands/cp.js"),
  delete: () => import("./commands/delete.js"),
  ignition: () => import("./commands/ignition.js"),
  image: () => import("./commands/image.js"),
  ip: () => import("./commands/ip.js"),
  kubectl: () => import("./commands/kubectl.js"),
  logs: () => import("./commands/logs.js"),
  netboot: () => import("./commands/netboot.js"),
  node: () => import("./commands/node.js"),
  "node-image": () => import("./commands/node-image.js"),
  options: () => import("./commands/options.js"),
  pause: () => import("./commands/pause.js"),
  profile: () => import("./commands/profile.js"),
  selfhost: () => import("./commands/selfhost.js"),
  ssh: () => import("./commands/ssh.js"),
  start: () => import("./commands/start.js"),
  status: () => import("./commands/status.js"),
  stop: () => import("./commands/stop.js"),
  unpause: () => import("./commands/unpause.js"),
  "update-context": () => import("./commands/update-context.js"),
  version: () => import("./commands/version.js"),
};
