import { homedir } from "node:os";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { ensureComponents } from "../../../src/components/ensure.js";

const peers = [
  { name: "butane", version: "v0.23.0" },
  { name: "ignition-validate", version: "v2.24.0" },
] as const;

/** The real butane and ignition-validate, from the store; built on first use. */
export async function realPeers(): Promise<{ butane: string; ignitionValidate: string }> {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const components = await ensureComponents([...peers], {}, context);
  return {
    butane: components.get("butane")!.path,
    ignitionValidate: components.get("ignition-validate")!.path,
  };
}
