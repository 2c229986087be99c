import { flag, integer, listOf, object, type Shape, text } from "../butane/shape.js";

/**
 * A Container Linux Config, as its transpiler 0.9 reads it (coreos/container-linux-config-transpiler, doc/configuration.md).
 * The sections of programs that ran in Container Linux's wrappers are only known by name.
 */
const verification = object({ hash: object({ function: text, sum: text }) });
const reference = object({ source: text, verification });
const owner = object({ id: integer, name: text });
const node = { filesystem: text, path: text, user: owner, group: owner, overwrite: flag };
const dropins = listOf(object({ name: text, contents: text }));

const user: Record<string, Shape> = {
  uid: integer,
  gecos: text,
  home_dir: text,
  no_create_home: flag,
  primary_group: text,
  groups: listOf(text),
  no_user_group: flag,
  no_log_init: flag,
  system: flag,
  shell: text,
};

const storage = object({
  disks: listOf(
    object({
      device: text,
      wipe_table: flag,
      partitions: listOf(
        object({ label: text, number: integer, size: text, start: text, guid: text, type_guid: text }),
      ),
    }),
  ),
  raid: listOf(
    object({ name: text, level: text, devices: listOf(text), spares: integer, options: listOf(text) }),
  ),
  filesystems: listOf(
    object({
      name: text,
      path: text,
      mount: object({
        device: text,
        format: text,
        wipe_filesystem: flag,
        label: text,
        uuid: text,
        options: listOf(text),
        create: object({ force: flag, options: listOf(text) }),
      }),
    }),
  ),
  files: listOf(
    object({
      ...node,
      mode: integer,
      append: flag,
      contents: object({
        inline: text,
        local: text,
        remote: object({ url: text, compression: text, verification }),
      }),
    }),
  ),
  directories: listOf(object({ ...node, mode: integer })),
  links: listOf(object({ ...node, hard: flag, target: text })),
});

/** Anything: only whether it is there matters. */
const anything: Shape = { kind: "anything" };

export const containerLinuxShape = object({
  ignition: object({
    config: object({ append: listOf(reference), replace: reference }),
    timeouts: object({ http_response_headers: integer, http_total: integer }),
    security: object({ tls: object({ certificate_authorities: listOf(reference) }) }),
  }),
  storage,
  systemd: object({
    units: listOf(object({ name: text, enable: flag, enabled: flag, mask: flag, contents: text, dropins })),
  }),
  networkd: object({ units: listOf(object({ name: text, contents: text, dropins })) }),
  passwd: object({
    users: listOf(
      object({
        ...user,
        name: text,
        password_hash: text,
        ssh_authorized_keys: listOf(text),
        create: object(user),
      }),
    ),
    groups: listOf(object({ name: text, gid: integer, password_hash: text, system: flag })),
  }),
  docker: object({ flags: listOf(text) }),
  update: object({ group: text, server: text }),
  locksmith: object({
    reboot_strategy: text,
    window_start: text,
    window_length: text,
    group: text,
    etcd_endpoints: text,
    etcd_cafile: text,
    etcd_certfile: text,
    etcd_keyfile: text,
  }),
  etcd: anything,
  flannel: anything,
});
