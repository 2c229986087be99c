import { homedir } from "node:os";
import { systemClock } from "../../../src/base/clock.js";
import type { Context } from "../../../src/base/context.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { ensureComponents } from "../../../src/components/ensure.js";
import type { Binaries } from "./control-plane.js";

const versions: Record<string, string> = {
  etcd: "v3.6.8",
  "kube-apiserver": "v1.36.3",
  kubectl: "v1.36.3",
  containerd: "v2.4.2",
};

/** The real programs, from the store that everybody shares. */
async function find(...names: string[]): Promise<string[]> {
  const context: Context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const refs = names.map((name) => ({ name, version: versions[name]! }));
  const found = await ensureComponents(refs, {}, context);
  return names.map((name) => found.get(name)!.path);
}

export async function findBinaries(): Promise<Binaries> {
  const [etcd, kubeApiServer] = (await find("etcd", "kube-apiserver")) as [string, string];
  return { etcd, kubeApiServer };
}

export const findKubectl = async (): Promise<string> => (await find("kubectl"))[0]!;

export const findContainerd = async (): Promise<string> => (await find("containerd"))[0]!;
