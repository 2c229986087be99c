import type { Problem, Report } from "../problem.js";
import type { StorageV2 } from "./v2-schema.js";

type From = <T extends object>(entry: T, ...path: Problem["path"]) => T;
type Disk = NonNullable<StorageV2["disks"]>[number];
type Partition = NonNullable<Disk["partitions"]>[number];
type Filesystem = NonNullable<StorageV2["filesystems"]>[number];

/** Spec 2 counts in sectors of 512 bytes, whatever the disk has. */
const sectorsPerMiB = 2048;

export function convertDisks(disks: Disk[], report: Report, from: From): object[] {
  return disks.map(({ device, wipeTable, partitions = [] }, i) =>
    from(
      {
        device,
        wipeTable: wipeTable || undefined,
        partitions: partitions.map((partition, j) =>
          from(
            convertPartition(partition, report.at(i, "partitions", j)),
            "storage",
            "disks",
            i,
            "partitions",
            j,
          ),
        ),
      },
      "storage",
      "disks",
      i,
    ),
  );
}

function convertPartition({ size, start, ...partition }: Partition, report: Report): object {
  return {
    ...partition,
    label: partition.label || undefined,
    guid: partition.guid || undefined,
    typeGuid: partition.typeGuid || undefined,
    wipePartitionEntry: partition.wipePartitionEntry || undefined,
    sizeMiB: partition.sizeMiB ?? mebibytes(size, report.at("size")),
    startMiB: partition.startMiB ?? mebibytes(start, report.at("start")),
  };
}

function mebibytes(sectors: number | undefined, report: Report): number | undefined {
  if (!sectors) return undefined;
  if (sectors % sectorsPerMiB === 0) return sectors / sectorsPerMiB;
  report.error(`${sectors} sectors are not whole mebibytes, which partitions are counted in now`);
  return undefined;
}

/** What only names a path is no file system any more: its files are given by their whole paths. */
export function convertFilesystems(filesystems: Filesystem[], report: Report, from: From): object[] {
  return filesystems.flatMap(({ mount, path, name }, i) => {
    const at = report.at(i);
    if (!mount) {
      if (path === undefined) at.error("a file system needs mount or path");
      else at.warn(`file system "${name ?? ""}": its files have whole paths now`);
      return [];
    }
    if (path !== undefined) at.error("a file system has either mount or path");
    const { create, options, wipeFilesystem, label, uuid, ...others } = mount;
    if (create) at.at("mount", "create").warn("create is gone: its options and force are the file system's");
    if (create && (wipeFilesystem || options?.length)) {
      at.at("mount", "create").error("create excludes wipeFilesystem and options");
    }
    const wipe = create ? create.force : wipeFilesystem;
    const entry = {
      ...others,
      label,
      uuid,
      options: create?.options ?? options,
      wipeFilesystem: wipe || undefined,
    };
    return [from(entry, "storage", "filesystems", i)];
  });
}
