import * as z from "zod";

/**
 * An Ignition config of spec 2.0 to 2.4, as Container Linux had it (coreos/ignition, branch spec2x,
 * doc/configuration-v2_4.md): the shape of 2.4, which has all fields of the older ones.
 */
export const configV2Schema = buildSchema();

export type ConfigV2 = z.output<typeof configV2Schema>;
export type StorageV2 = NonNullable<ConfigV2["storage"]>;
export type NodeV2 = NonNullable<StorageV2["directories"]>[number];
export type FileV2 = NonNullable<StorageV2["files"]>[number];
export type UserV2 = NonNullable<NonNullable<ConfigV2["passwd"]>["users"]>[number];

function buildSchema() {
  const text = z.string().optional();
  const integer = z.int().optional();
  const flag = z.boolean().optional();
  const texts = z.array(z.string()).optional();
  const listOf = <T extends z.ZodType>(item: T) => z.array(item).optional();

  const verification = z.strictObject({ hash: text }).optional();
  const httpHeaders = listOf(z.strictObject({ name: text, value: text }));
  const reference = z.strictObject({ source: text, verification, httpHeaders });
  const owner = z.strictObject({ id: integer, name: text }).optional();
  const node = { filesystem: text, path: text, overwrite: flag, user: owner, group: owner };
  const create = {
    uid: integer,
    gecos: text,
    homeDir: text,
    noCreateHome: flag,
    primaryGroup: text,
    groups: texts,
    noUserGroup: flag,
    noLogInit: flag,
    shell: text,
    system: flag,
  };
  const dropins = listOf(z.strictObject({ name: text, contents: text }));

  return z.strictObject({
    ignition: z.strictObject({
      version: text,
      config: z.strictObject({ append: listOf(reference), replace: reference.optional() }).optional(),
      timeouts: z.strictObject({ httpResponseHeaders: integer, httpTotal: integer }).optional(),
      security: z
        .strictObject({ tls: z.strictObject({ certificateAuthorities: listOf(reference) }).optional() })
        .optional(),
      proxy: z.strictObject({ httpProxy: text, httpsProxy: text, noProxy: texts }).optional(),
    }),
    storage: z
      .strictObject({
        disks: listOf(
          z.strictObject({
            device: text,
            wipeTable: flag,
            partitions: listOf(
              z.strictObject({
                label: text,
                number: integer,
                size: integer,
                start: integer,
                sizeMiB: integer,
                startMiB: integer,
                guid: text,
                typeGuid: text,
                shouldExist: flag,
                wipePartitionEntry: flag,
              }),
            ),
          }),
        ),
        raid: listOf(
          z.strictObject({ name: text, level: text, devices: texts, spares: integer, options: texts }),
        ),
        filesystems: listOf(
          z.strictObject({
            name: text,
            path: text,
            mount: z
              .strictObject({
                device: text,
                format: text,
                wipeFilesystem: flag,
                label: text,
                uuid: text,
                options: texts,
                create: z.strictObject({ force: flag, options: texts }).optional(),
              })
              .optional(),
          }),
        ),
        files: listOf(
          z.strictObject({
            ...node,
            mode: integer,
            append: flag,
            contents: z
              .strictObject({ source: text, compression: text, verification, httpHeaders })
              .optional(),
          }),
        ),
        directories: listOf(z.strictObject({ ...node, mode: integer })),
        links: listOf(z.strictObject({ ...node, hard: flag, target: text })),
      })
      .optional(),
    systemd: z
      .strictObject({
        units: listOf(
          z.strictObject({ name: text, enable: flag, enabled: flag, mask: flag, contents: text, dropins }),
        ),
      })
      .optional(),
    networkd: z
      .strictObject({ units: listOf(z.strictObject({ name: text, contents: text, dropins })) })
      .optional(),
    passwd: z
      .strictObject({
        users: listOf(
          z.strictObject({
            name: text,
            passwordHash: text,
            sshAuthorizedKeys: texts,
            create: z.strictObject(create).optional(),
            ...create,
          }),
        ),
        groups: listOf(z.strictObject({ name: text, gid: integer, passwordHash: text, system: flag })),
      })
      .optional(),
  });
}
