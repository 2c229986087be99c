import { expect, test } from "vitest";
import { diskFull } from "./disk-full.js";

test.each([
  "tar: pki/ca.crt: Cannot write: No space left on device",
  'ctr: failed to copy: write /var/lib/containerd/x: no space left on device: "unknown"',
  "cp: error writing 'x': Disk quota exceeded",
])("a full disk: %s", (output) => {
  expect(diskFull("demo", output)).toMatchObject({ code: "DISK_FULL", message: "the disk of demo is full" });
});

test("anything else is not", () => {
  expect(diskFull("demo", "tar: x: Cannot open: Permission denied")).toBeUndefined();
});
