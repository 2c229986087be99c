import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Loaded } from "./assemble.js";
import { loadSnapshot } from "./load.js";
import { inventoryProblemText } from "./problem.js";
import type { Snapshot } from "./snapshot.js";

/** For tests: a directory of its own with these files, which goes afterwards. */
export class TestLab implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(files: Record<string, string> = {}): Promise<TestLab> {
    const lab = new TestLab(await mkdtemp(join(tmpdir(), "slipway-lab-")));
    await lab.write(files);
    return lab;
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [path, contents] of Object.entries(files)) {
      await mkdir(dirname(join(this.directory, path)), { recursive: true });
      await writeFile(join(this.directory, path), contents);
    }
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.directory, path), { recursive: true });
  }

  load(): Promise<Loaded> {
    return loadSnapshot(this.directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** What is said about such files, errors and warnings alike. */
export async function complaints(files: Record<string, string>): Promise<string[]> {
  await using lab = await TestLab.create(files);
  const { problems } = await lab.load();
  return problems.map((problem) => `${problem.severity} ${inventoryProblemText(problem)}`);
}

/** The snapshot of files that are valid. */
export async function snapshotOf(files: Record<string, string>): Promise<Snapshot> {
  await using lab = await TestLab.create(files);
  const { snapshot, problems } = await lab.load();
  if (!snapshot) throw new Error(problems.map(inventoryProblemText).join("\n"));
  return snapshot;
}

/** How a lab.yaml begins; what a test writes stands from line 3 on. */
export const head = "apiVersion: slipway.dev/v1alpha1\nkind: Lab\n";

/** The group and the boot profile of matchbox's first example, with a config. */
export const worker = {
  "groups/node1.json": JSON.stringify({
    id: "node1",
    name: "Worker Node",
    profile: "worker",
    selector: { mac: "52-54-00-B2-2F-86" },
    metadata: { domain_name: "node1.example.com", keys: ["ssh-rsa A"], port: 8080 },
  }),
  "profiles/worker.json": JSON.stringify({
    id: "worker",
    boot: { kernel: "/assets/vmlinuz", initrd: ["/assets/initrd.gz"], args: ["console=ttyS0"] },
    ignition_id: "worker.yaml",
  }),
  "ignition/worker.yaml": "variant: fcos\nversion: 1.5.0\n",
};
