import type { IgnitionConfig } from "../config.js";
import { failed } from "./root.js";

/**
 * Refuses a config that asks for what needs a real machine's first boot: disks, encryption, kernel arguments.
 *
 * @throws {SlipwayError} `NODE_CONFIG_FAILED`, naming the section.
 */
export function refuseUnsupported({ storage = {}, kernelArguments = {} }: IgnitionConfig): void {
  for (const section of ["disks", "raid", "filesystems", "luks"] as const) {
    if ((storage[section] ?? []).length > 0) throw refusal(`storage.${section}`);
  }
  for (const section of ["shouldExist", "shouldNotExist"] as const) {
    if ((kernelArguments[section] ?? []).length > 0) throw refusal(`kernelArguments.${section}`);
  }
}

const refusal = (section: string) =>
  failed(
    `the config has ${section}, which cannot be applied to a root file system`,
    undefined,
    "such a config needs a machine that boots with Ignition in its initrd",
  );
