import * as z from "zod";

/**
 * The shape of an Ignition config of spec 3.`minor`: field names and types, nothing of their meaning
 * (coreos.github.io/ignition/configuration-v3_5 and its older siblings). A field that a later spec added is unknown to
 * an earlier one.
 */
export function configSchema(minor: number): z.ZodType {
  const schema = schemas.get(minor) ?? buildSchema(minor);
  schemas.set(minor, schema);
  return schema;
}

const schemas = new Map<number, z.ZodType>();

function buildSchema(minor: number): z.ZodType {
  /** Fields that came with spec 3.`version`. */
  const since = <T extends z.ZodRawShape>(version: number, fields: T): Partial<T> =>
    minor >= version ? fields : {};
  const optional = {
    text: z.string().optional(),
    integer: z.int().optional(),
    flag: z.boolean().optional(),
  };
  const listOf = <T extends z.ZodType>(item: T) => z.array(item).optional();
  const texts = listOf(z.string());

  const verification = z.strictObject({ hash: optional.text }).optional();
  const httpHeader = z.strictObject({ name: optional.text, value: optional.text });
  const resource = z.strictObject({
    source: optional.text,
    compression: optional.text,
    verification,
    ...since(1, { httpHeaders: listOf(httpHeader) }),
  });
  /** Other configs and authorities: until 3.1 they had no compression. */
  const reference = minor >= 1 ? resource : z.strictObject({ source: optional.text, verification });

  const owner = z.strictObject({ id: optional.integer, name: optional.text }).optional();
  const node = { path: optional.text, overwrite: optional.flag, user: owner, group: owner };

  const clevis = z.strictObject({
    tang: listOf(
      z.strictObject({
        url: optional.text,
        thumbprint: optional.text,
        ...since(4, { advertisement: optional.text }),
      }),
    ),
    tpm2: optional.flag,
    threshold: optional.integer,
    custom: z
      .strictObject({ pin: optional.text, config: optional.text, needsNetwork: optional.flag })
      .optional(),
  });

  const ignition = z.strictObject({
    version: optional.text,
    config: z.strictObject({ merge: listOf(reference), replace: reference.optional() }).optional(),
    timeouts: z
      .strictObject({ httpResponseHeaders: optional.integer, httpTotal: optional.integer })
      .optional(),
    security: z
      .strictObject({ tls: z.strictObject({ certificateAuthorities: listOf(reference) }).optional() })
      .optional(),
    ...since(1, {
      proxy: z
        .strictObject({ httpProxy: optional.text, httpsProxy: optional.text, noProxy: texts })
        .optional(),
    }),
  });

  const passwd = z.strictObject({
    users: listOf(
      z.strictObject({
        name: optional.text,
        passwordHash: optional.text,
        sshAuthorizedKeys: texts,
        uid: optional.integer,
        gecos: optional.text,
        homeDir: optional.text,
        noCreateHome: optional.flag,
        primaryGroup: optional.text,
        groups: texts,
        noUserGroup: optional.flag,
        noLogInit: optional.flag,
        shell: optional.text,
        system: optional.flag,
        ...since(2, { shouldExist: optional.flag }),
      }),
    ),
    groups: listOf(
      z.strictObject({
        name: optional.text,
        gid: optional.integer,
        passwordHash: optional.text,
        system: optional.flag,
        ...since(2, { shouldExist: optional.flag }),
      }),
    ),
  });

  const storage = z.strictObject({
    files: listOf(
      z.strictObject({
        ...node,
        mode: optional.integer,
        contents: resource.optional(),
        append: listOf(resource),
      }),
    ),
    directories: listOf(z.strictObject({ ...node, mode: optional.integer })),
    links: listOf(z.strictObject({ ...node, target: optional.text, hard: optional.flag })),
    disks: listOf(
      z.strictObject({
        device: optional.text,
        wipeTable: optional.flag,
        partitions: listOf(
          z.strictObject({
            label: optional.text,
            number: optional.integer,
            sizeMiB: optional.integer,
            startMiB: optional.integer,
            typeGuid: optional.text,
            guid: optional.text,
            wipePartitionEntry: optional.flag,
            shouldExist: optional.flag,
            ...since(2, { resize: optional.flag }),
          }),
        ),
      }),
    ),
    raid: listOf(
      z.strictObject({
        name: optional.text,
        level: optional.text,
        devices: texts,
        spares: optional.integer,
        options: texts,
      }),
    ),
    filesystems: listOf(
      z.strictObject({
        device: optional.text,
        format: optional.text,
        path: optional.text,
        wipeFilesystem: optional.flag,
        label: optional.text,
        uuid: optional.text,
        options: texts,
        ...since(1, { mountOptions: texts }),
      }),
    ),
    ...since(2, {
      luks: listOf(
        z.strictObject({
          name: optional.text,
          device: optional.text,
          keyFile: resource.optional(),
          label: optional.text,
          uuid: optional.text,
          options: texts,
          wipeVolume: optional.flag,
          clevis: clevis.optional(),
          ...since(4, { discard: optional.flag, openOptions: texts }),
          ...since(5, { cex: z.strictObject({ enabled: optional.flag }).optional() }),
        }),
      ),
    }),
  });

  const unit = z.strictObject({
    name: optional.text,
    enabled: optional.flag,
    mask: optional.flag,
    contents: optional.text,
    dropins: listOf(z.strictObject({ name: optional.text, contents: optional.text })),
  });

  return z.strictObject({
    ignition,
    passwd: passwd.optional(),
    storage: storage.optional(),
    systemd: z.strictObject({ units: listOf(unit) }).optional(),
    ...since(3, {
      kernelArguments: z.strictObject({ shouldExist: texts, shouldNotExist: texts }).optional(),
    }),
  });
}
