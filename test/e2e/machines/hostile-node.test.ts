import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tar from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exists } from "../../../src/base/files.js";
import { remains } from "./remains.js";
import { sandboxSubject } from "./subject.js";

const cluster = "hostile";

describe("a node that means harm", () => {
  let subject: Awaited<ReturnType<typeof sandboxSubject>>;
  let host: string;
  const sh = (script: string) => subject.driver.exec(cluster, "one", ["sh", "-c", script]);

  beforeAll(async () => {
    host = await mkdtemp(join(tmpdir(), "slipway-hostile-"));
    subject = await sandboxSubject(cluster, 204);
    await subject.driver.ensureNetwork(subject.network);
    await subject.driver.create(subject.spec("one"));
    await subject.driver.start(cluster, "one");
  });
  afterAll(async () => {
    await subject.driver.delete(cluster, "one");
    await subject.driver.deleteNetwork(cluster);
    const left = await remains(cluster, subject.stateDirectory);
    await subject.dispose();
    await rm(host, { recursive: true });
    expect(left).toEqual([]);
  });

  test("links in its paths lead a copy nowhere but into the node", async () => {
    await sh(`mkdir -p /srv && ln -s ${host} /srv/out && ln -s / /srv/top`);
    await writeFile(join(host, "file"), "ours");
    await subject.driver.copyIn(cluster, "one", join(host, "file"), "/srv/top/through/link");
    expect((await sh("cat /through/link")).stdout).toBe("ours");
    await expect(
      subject.driver.copyIn(cluster, "one", join(host, "file"), "/srv/out/escaped"),
    ).rejects.toThrow();
    expect(await readdir(host)).toEqual(["file"]);
  });

  test("links that are copied out stay links, and set-user-ID bits stay behind", async () => {
    await sh(
      "mkdir -p /srv/tree && ln -s /etc/shadow /srv/tree/link && cp /bin/true /srv/tree/su && chmod 4755 /srv/tree/su",
    );
    await subject.driver.copyOut(cluster, "one", "/srv/tree", join(host, "tree"));
    expect((await lstat(join(host, "tree/su"))).mode & 0o7777).toBe(0o755);
    expect(await readlink(join(host, "tree/link"))).toBe("/etc/shadow");
  });

  test("an archive of its own making cannot write outside of the target", async () => {
    const archive = join(host, "evil.tar");
    await writeFile(join(host, "escaped"), "evil");
    await tar.create(
      {
        file: archive,
        cwd: host,
        preservePaths: true,
        onWriteEntry: (entry) => {
          entry.path = "../escaped-by-path";
        },
      },
      ["escaped"],
    );
    await rm(join(host, "escaped"));
    await subject.driver.copyIn(cluster, "one", archive, "/srv/evil.tar");
    await rm(archive);
    await writeFile(join(host, "tar"), "#!/bin/sh\nexec cat /srv/evil.tar\n");
    await chmod(join(host, "tar"), 0o755);
    await subject.driver.copyIn(cluster, "one", join(host, "tar"), "/usr/local/bin/tar");
    const before = await readdir(host);
    await expect(
      subject.driver.copyOut(cluster, "one", "/etc/hostname", join(host, "name")),
    ).rejects.toThrow();
    expect(await readdir(host)).toEqual(before);
    expect(await exists(join(tmpdir(), "escaped-by-path"))).toBe(false);
    await sh("rm /usr/local/bin/tar");
  });

  test("what it leaves in its root is removed without following links", async () => {
    await writeFile(join(host, "precious"), "kept");
    await sh(`ln -s ${host} /var/lib/etcd/link; mkdir -p /a/b; mount -t tmpfs tmpfs /a/b; chmod 000 /a`);
    await subject.driver.delete(cluster, "one");
    expect(await readFile(join(host, "precious"), "utf8")).toBe("kept");
    await subject.driver.create(subject.spec("one"));
  });
});
