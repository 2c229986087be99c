import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyIgnition } from "../../../src/ignition/apply/apply.js";
import { layBaseTree } from "./base-tree.js";
import { corpus } from "./corpus.js";
import { applyWithIgnition, firstBuildMs, realIgnition } from "./real-ignition.js";
import { describeTree } from "./tree.js";

/** The report of the real run, and what shadow's tools leave beside the files they edit. */
const notCompared =
  /^\/etc\/(\.ignition-result\.json|\.pwd\.lock|(passwd|group|shadow|gshadow|subuid|subgid)-)$/;

let ignition: string;
let scratch: string;
let hostBefore: Record<string, string>;
const hostEtc = () => describeTree("/etc", /^$/);

beforeAll(async () => {
  ignition = await realIgnition();
  scratch = await mkdtemp(join(tmpdir(), "slipway-ignition-"));
  await chmod(scratch, 0o755); // Ignition writes SSH keys as their user
  hostBefore = hostEtc();
}, firstBuildMs);

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  expect(hostEtc()).toEqual(hostBefore);
});

async function freshRoot(...names: string[]): Promise<string> {
  const root = join(scratch, ...names);
  await mkdir(root, { recursive: true });
  layBaseTree(root);
  return root;
}

test.each(corpus.map((entry, i) => ({ ...entry, id: String(i) })))(
  "$name",
  async ({ config, refused, id }) => {
    const work = join(scratch, id);
    const theirs = await freshRoot(id, "theirs");
    const ours = await freshRoot(id, "ours");

    const real = await applyWithIgnition(ignition, JSON.stringify(config), { work, root: theirs });
    const result = await applyIgnition(config, ours, { now: new Date() }).then(
      () => "applied",
      (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
    );

    expect(real.ok, real.log).toBe(!refused);
    if (refused) expect(result).toMatch(/^NODE_CONFIG_(FAILED|INVALID): /);
    else {
      expect(result).toBe("applied");
      expect(describeTree(ours, notCompared)).toEqual(describeTree(theirs, notCompared));
    }
  },
);
