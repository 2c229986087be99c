import { appendFileSync } from "node:fs";
import { posix } from "node:path";
import type { IgnitionUnit } from "../config.js";
import { disableUnit, enablementOf } from "./enablement.js";
import type { Root } from "./root.js";
import { replaceFile } from "./units.js";

/** Where Ignition says which units are on; systemd reads it at a machine's first boot (systemd.preset(5)). */
export const presetFile = "/etc/systemd/system-preset/20-ignition.preset";

/**
 * Writes the preset lines of all units that are to be on or off, as Ignition does: instances of a template share a line, lines
 * are sorted, and a unit that is off already needs none. One that is on in the image is also disabled at once.
 */
export function writePresets(units: IgnitionUnit[], root: Root): void {
  const lines: string[] = [];
  for (const { unit, instances, enabled } of presets(units)) {
    // Ignition asks for "name@.service a b" as if it were one unit, which is never enabled: no line for instances
    if (!enabled && (instances || enablementOf(unit, root) === "disabled")) continue;
    if (!enabled) disableUnit(unit, root);
    lines.push(`${enabled ? "enable" : "disable"} ${instances ? `${unit} ${instances.join(" ")}` : unit}\n`);
  }
  if (lines.length === 0) return;
  const at = root.resolve(presetFile);
  if (root.stat(at) === undefined) replaceFile(presetFile, "", root);
  root.makeDirectories(posix.dirname(at));
  appendFileSync(root.onHost(at), lines.join(""));
}

interface Preset {
  unit: string;
  enabled: boolean;
  /** Of a template; undefined: it is none. */
  instances?: string[];
}

function presets(units: IgnitionUnit[]): Preset[] {
  const byKey = new Map<string, Preset>();
  for (const { name, enabled } of units) {
    if (enabled === undefined) continue;
    const [, before, instance, type] = /^([^@]*@)(.*)(\.[^.]*)$/.exec(name) ?? [];
    const unit = before === undefined ? name : `${before}${type}`;
    const key = `${unit}-${enabled ? "enabled" : "disabled"}`;
    const preset = byKey.get(key) ?? { unit, enabled, ...(instance === undefined ? {} : { instances: [] }) };
    if (instance !== undefined) preset.instances?.push(instance);
    byKey.set(key, preset);
  }
  return [...byKey.entries()]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([, p]) => p);
}
