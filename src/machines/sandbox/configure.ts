import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeJsonAtomic } from "../../base/files.js";
import type { DriverContext, MachineSpec } from "../driver.js";
import { bundleConfig } from "./bundle.js";
import { machineState, requireMachine, type Sandbox } from "./context.js";
import { checkSame } from "./create.js";
import { readHostFacts } from "./host-facts.js";
import { clusterLayout } from "./layout.js";
import { checkOwner } from "./lifecycle.js";
import { recordOf } from "./record.js";
import { checkLayers, withRoot } from "./root.js";

/** Writes a config into a machine that exists. The bundle, which says what the machine is, comes last. */
export async function configureMachine(
  sandbox: Sandbox,
  spec: MachineSpec,
  context: DriverContext = {},
): Promise<void> {
  const found = await requireMachine(sandbox, spec.cluster, spec.name);
  const { layout, record, runc } = found;
  checkOwner(found);
  checkSame(record, { ...spec, layers: record.layers });
  const state = machineState(found);
  if (state !== "stopped") return sandbox.applyConfig(spec.config, `/proc/${runc?.pid}/root`, context);

  await checkLayers(spec.layers);
  if (!isDeepStrictEqual(record.layers, spec.layers)) await uncover(spec.layers[0]!, layout.upper);
  await withRoot(
    layout,
    { layers: spec.layers, volumes: record.volumes, ...(context.signal ? { signal: context.signal } : {}) },
    (root) => sandbox.applyConfig(spec.config, root, context),
  );
  // The volumes are those that it was made with.
  const wanted = { ...recordOf(spec, record.network), volumes: record.volumes };
  const shared = clusterLayout(sandbox.stateDirectory, spec.cluster);
  await writeJsonAtomic(layout.config, bundleConfig(wanted, layout, shared, await readHostFacts()), {
    mode: 0o600,
  });
}

/** Takes away what lies over a new layer's files: programs that were replaced while the machine ran. */
async function uncover(layer: string, upper: string): Promise<void> {
  for (const entry of await readdir(layer, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    await rm(join(upper, relative(layer, join(entry.parentPath, entry.name))), { force: true });
  }
}
