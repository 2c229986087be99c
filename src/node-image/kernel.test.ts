import { expect, test } from "vitest";
import { moduleOrder } from "./kernel.js";

// As depmod(8) writes it: what a module needs stands behind it, the one to load first last.
const dependencies = `kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/net/core/failover.ko:
kernel/drivers/block/loop.ko.xz:
kernel/fs/overlayfs/overlay.ko:
`;

test("what a module needs comes before it, each once", () => {
  expect(moduleOrder(dependencies, ["overlay", "virtio_net", "net_failover"])).toEqual([
    "kernel/fs/overlayfs/overlay.ko",
    "kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
  ]);
});

test("compressed modules are found, built-in ones need no file", () => {
  expect(moduleOrder(dependencies, ["loop", "ext4"])).toEqual(["kernel/drivers/block/loop.ko.xz"]);
});
