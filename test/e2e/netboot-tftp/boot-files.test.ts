import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { bootFileNames, loadBootFiles } from "../../../src/netboot/boot-files/ipxe.js";
import { tftpFiles } from "../../../src/netboot/tftp/files.js";
import { startTftpServer } from "../../../src/netboot/tftp/server.js";
import { Neighbour } from "./neighbour.js";

/** What a PE file (UEFI) says it runs on: at its offset 4 after the place that 0x3c points to. */
const peMachine = (bytes: Buffer): number => bytes.readUInt16LE(bytes.readUInt32LE(0x3c) + 4);

test("iPXE's builds come from Debian's package, whole, and go out by TFTP", async () => {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const loaded = await loadBootFiles({}, context);
  expect([...loaded.keys()]).toEqual(bootFileNames);
  for (const { origin, bytes, sha256 } of loaded.values()) {
    expect(origin).toMatch(/^ipxe 1\.0\.0\+git-/);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
  }
  const x64 = 0x8664;
  for (const name of ["ipxe.efi", "snponly.efi"] as const)
    expect(peMachine(loaded.get(name)!.bytes)).toBe(x64);
  expect(loaded.get("undionly.kpxe")!.bytes.length).toBeLessThan(100_000); // it must fit below 640 KiB

  await using neighbour = await Neighbour.create("ipxe", 70);
  const files = tftpFiles([...loaded].map(([name, { bytes }]) => [name, bytes] as const));
  const directory = await mkdtemp(join(tmpdir(), "slipway-ipxe-"));
  const server = await startTftpServer({
    address: neighbour.address,
    files: () => files,
    observe: () => {},
    clock: systemClock,
  });
  try {
    for (const [name, { sha256 }] of loaded) {
      const to = join(directory, name);
      await neighbour.run("curl", ["-sS", "-o", to, `tftp://${neighbour.address}/${name}`]);
      expect(
        createHash("sha256")
          .update(await readFile(to))
          .digest("hex"),
      ).toBe(sha256);
    }
  } finally {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  }
});
