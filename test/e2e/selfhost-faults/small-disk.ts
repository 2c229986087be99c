import { mkdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../src/base/run.js";
import type { TestHome } from "../harness.js";

/** A disk of its own for a home's machines, which can be filled without filling the host's: a file with ext4 in it. */
export class SmallDisk implements AsyncDisposable {
  readonly #image: string;
  readonly #mounted: string;

  private constructor(image: string, mounted: string) {
    this.#image = image;
    this.#mounted = mounted;
  }

  static async under(home: TestHome, gibibytes: number): Promise<SmallDisk> {
    const disk = new SmallDisk(join(home.directory, "disk.img"), home.env.XDG_STATE_HOME!);
    await run("truncate", ["-s", `${gibibytes}G`, disk.#image]);
    await run("mkfs.ext4", ["-q", "-m", "0", disk.#image]);
    await mkdir(disk.#mounted);
    await run("mount", ["-o", "loop", disk.#image, disk.#mounted]);
    return disk;
  }

  /** Takes all that is left but so much. The file has blocks and no contents, so that the host's disk does not get full of it. */
  async fill(leaveBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#mounted);
    await run("fallocate", ["-l", String(bavail * bsize - leaveBytes), join(this.#mounted, "fill")]);
  }

  async empty(): Promise<void> {
    await rm(join(this.#mounted, "fill"), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", [this.#mounted], { allowFailure: true });
    await rm(this.#image, { force: true });
  }
}
