/** A command as help, completion and the reference list it. What it does is in commands/, see loaders.ts. */
export interface CommandEntry {
  name: string;
  summary: string;
}

/** Every command there is, in the order in which help lists them. */
export const commandSections = [
  {
    title: "Clusters",
    commands: [
      { name: "start", summary: "Make a cluster, or bring it back" },
      { name: "stop", summary: "Power a cluster off; its data stays" },
      { name: "pause", summary: "Freeze a cluster: no CPU is used, memory is kept" },
      { name: "unpause", summary: "Let a paused cluster go on" },
      { name: "delete", summary: "Remove a cluster and all that it kept" },
      { name: "status", summary: "Show how a cluster and its nodes are" },
      { name: "profile", summary: "List clusters, or choose the active one" },
    ],
  },
  {
    title: "Working with a cluster",
    commands: [
      { name: "kubectl", summary: "Run the kubectl of the cluster's own version against it" },
      { name: "logs", summary: "Print the logs of a cluster's nodes" },
      { name: "update-context", summary: "Put a cluster into the kubeconfig again, as the current context" },
      { name: "image", summary: "Load, list or remove images in a cluster" },
      { name: "addons", summary: "List add-ons, turn them on or off" },
      { name: "certs", summary: "Check or renew a cluster's certificates" },
      { name: "snapshot", summary: "Save a cluster's state, or put it back" },
    ],
  },
  {
    title: "Nodes",
    commands: [
      { name: "node", summary: "List, add, delete, start or stop nodes" },
      { name: "ssh", summary: "Open a shell in a node, or run one command there" },
      { name: "cp", summary: "Copy a file or directory between the host and a node" },
      { name: "ip", summary: "Print a node's address" },
    ],
  },
  {
    title: "Bare metal",
    commands: [{ name: "netboot", summary: "Boot bare metal over the network" }],
  },
  {
    title: "Self-hosting",
    commands: [
      {
        name: "selfhost",
        summary: "Render and run a control plane that is made of the cluster's own objects",
      },
    ],
  },
  {
    title: "Components",
    commands: [
      { name: "components", summary: "List, fetch, build or verify what clusters are made of" },
      { name: "bundle", summary: "Carry components to machines without a network" },
      { name: "node-image", summary: "Make what nodes boot: a root file system, or kernel and initrd" },
    ],
  },
  {
    title: "Machine configs",
    commands: [
      { name: "butane", summary: "Translate a Butane config to Ignition" },
      { name: "ignition", summary: "Validate, merge or upgrade Ignition configs" },
    ],
  },
  {
    title: "Settings and help",
    commands: [
      { name: "config", summary: "Set what start does when a flag is not given" },
      { name: "completion", summary: "Print a completion script for bash, zsh or fish" },
      { name: "options", summary: "List the flags that every command takes" },
      { name: "version", summary: "Print slipway's version" },
    ],
  },
] as const satisfies readonly { title: string; commands: readonly CommandEntry[] }[];

export type CommandName = (typeof commandSections)[number]["commands"][number]["name"];

export const commands: readonly (CommandEntry & { name: CommandName })[] = commandSections.flatMap(
  (section) => section.commands as readonly (CommandEntry & { name: CommandName })[],
);
