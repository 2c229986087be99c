import type { Report } from "../problem.js";

/** A Container Linux Config's sizes: every unit is a power of 1024. */
const units: Record<string, number> = { "": 0, K: 1, M: 2, G: 3, T: 4, P: 5 };
const bytesPerMiB = 1024 ** 2;

/** `512MiB`, `1.5G` → mebibytes. Nothing and 0: the tool chooses. */
export function partitionMiB(size: string | undefined, report: Report): number | undefined {
  if (!size || size === "0") return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([KMGTP]?)i?B?$/.exec(size) ?? [];
  if (number === undefined) {
    report.error(`not a size: "${size}"; e.g. 512MiB`);
    return undefined;
  }
  const mebibytes = (Number(number) * 1024 ** units[unit]!) / bytesPerMiB;
  if (Number.isInteger(mebibytes)) return mebibytes;
  report.error(`${size} is not whole mebibytes, which partitions are counted in now`);
  return undefined;
}

/** Its own names of partition types. */
const types: Record<string, string> = {
  raid_containing_root: "be9067b9-ea49-4f15-b4f6-f36f8c9e1818",
  linux_filesystem_data: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  swap_partition: "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
  raid_partition: "a19d880f-05fc-4d3b-a006-743f0f84911e",
};

export const partitionType = (name: string | undefined): string | undefined =>
  name !== undefined && Object.hasOwn(types, name) ? types[name] : name;
