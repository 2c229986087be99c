import { type Case, casesOf, head } from "./case.js";

/** All that the Ignition spec 3.`minor` has, in Butane's words. */
function everything(minor: number): string {
  const since = (version: number, text: string) => (minor >= version ? text : "");
  return `
ignition:
  config:
    merge:
      - source: https://example.com/a.ign
        verification: {hash: sha512-${"0".repeat(128)}}
    replace:
      source: https://example.com/b.ign
  timeouts: {http_response_headers: 20, http_total: 60}
  security:
    tls:
      certificate_authorities:
        - source: https://example.com/ca.pem
${since(1, "          http_headers: [{name: X-Key, value: v}]\n")}${since(1, "  proxy: {http_proxy: http://p:3128, https_proxy: https://p:3128, no_proxy: [example.com, .local]}\n")}\
passwd:
  users:
    - name: core
      password_hash: $6$abc
      ssh_authorized_keys: [ssh-ed25519 AAAA a@b, ssh-ed25519 BBBB]
      uid: 1500
      gecos: A Person
      home_dir: /home/c
      no_create_home: true
      primary_group: wheel
      groups: [sudo, docker]
      no_user_group: true
      no_log_init: false
      shell: /bin/sh
      system: false
${since(2, "    - {name: gone, should_exist: false}\n")}\
  groups:
    - {name: g, gid: 1600, password_hash: x, system: true}
storage:
  directories:
    - {path: /srv/d, mode: 0750, overwrite: true, user: {id: 1}, group: {name: wheel}}
  links:
    - {path: /srv/l, target: /srv/d, hard: false, overwrite: true, user: {name: core}}
  files:
    - path: /srv/f
      mode: 0640
      overwrite: true
      user: {id: 500}
      group: {id: 501}
      contents:
        inline: some text, and ünïcode
    - path: /srv/g
      contents: {source: "https://example.com/g.gz", compression: gzip}
      append:
        - inline: more
        - source: "data:,and%20more"
systemd:
  units:
    - name: a.service
      enabled: true
      contents: |
        [Service]
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
      dropins:
        - {name: 10-a.conf, contents: "[Service]\\nNice=5\\n"}
    - {name: b.service, mask: true}
    - {name: c.service, enabled: false}
${since(3, "")}`;
}

const disks = (minor: number): string => `
storage:
  disks:
    - device: /dev/vda
      wipe_table: true
      partitions:
        - {label: data, number: 1, size_mib: 512, start_mib: 1, guid: 8a7a84a0-8387-40f6-ab9e-a8b9a5a60d23}
        - {number: 2, size_mib: 0, type_guid: 0fc63daf-8483-4772-8e79-3d69d8477de4, wipe_partition_entry: true}
        - {number: 7, should_exist: false${minor >= 2 ? ", resize: false" : ""}}
  raid:
    - {name: data, level: raid1, devices: [/dev/vdb, /dev/vdc], spares: 0, options: [--metadata=1.2]}
  filesystems:
    - {device: /dev/md/data, format: xfs, path: /var/lib/data, label: data, uuid: 8a7a84a0-8387-40f6-ab9e-a8b9a5a60d23, wipe_filesystem: true, options: [-f]}
`;

const luks = (minor: number): string => `
storage:
  luks:
    - name: secret
      device: /dev/vdb
      label: s
      uuid: 8a7a84a0-8387-40f6-ab9e-a8b9a5a60d23
      options: [--pbkdf, argon2id]
      wipe_volume: true
      key_file: {inline: passphrase}
    - name: bound
      device: /dev/vdc
      clevis:
        tang:
          - {url: https://tang.example.com, thumbprint: abc${minor >= 4 ? ", advertisement: '{}'" : ""}}
        tpm2: true
        threshold: 2
    - name: own
      device: /dev/vdd
      clevis: {custom: {pin: tpm2, config: '{}', needs_network: true}}
${minor >= 4 ? "      discard: true\n      open_options: [--allow-discards]\n" : ""}`;

const variants: Record<string, number> = {
  "fcos 1.0": 0,
  "fcos 1.1": 1,
  "fcos 1.2": 2,
  "fcos 1.3": 2,
  "fcos 1.4": 3,
  "fcos 1.5": 4,
  "fcos 1.6": 5,
  "flatcar 1.0": 3,
  "flatcar 1.1": 4,
  "r4e 1.0": 3,
  "r4e 1.1": 4,
  "fiot 1.0": 4,
};

/** Each variant at each version: what it can do, and what it cannot. */
export const variantCases: Case[] = [
  ...Object.entries(variants).flatMap(([variant, minor]) => [
    ...casesOf(variant, {
      "nothing else": "",
      everything: everything(minor),
      disks: disks(minor),
      luks: luks(minor),
      "a key file": `
storage:
  luks: [{name: s, device: /dev/vdb, key_file: {local: key}}]
`,
      "kernel arguments": "kernel_arguments: {should_exist: [quiet, a=b], should_not_exist: [splash]}\n",
      "kernel arguments that clash": "kernel_arguments: {should_exist: [quiet], should_not_exist: [quiet]}\n",
      "local files": `
storage:
  files:
    - {path: /a, contents: {local: text}}
    - {path: /b, append: [{local: sub/deep}]}
`,
      "a tree": "storage: {trees: [{local: tree, path: /etc/tree}]}\n",
      "a mount unit": `
storage:
  filesystems: [{device: /dev/vdb, format: ext4, path: /var/x, with_mount_unit: true}]
`,
      "local units": `
systemd:
  units:
    - {name: a.service, contents_local: unit}
    - {name: b.service, dropins: [{name: d.conf, contents_local: unit}]}
`,
      "local keys":
        "passwd: {users: [{name: core, ssh_authorized_keys: [first], ssh_authorized_keys_local: [keys]}]}\n",
      "a boot device": "boot_device: {luks: {tpm2: true}}\n",
      "users of grub": "grub: {users: [{name: root, password_hash: grub.pbkdf2.x}]}\n",
      "a relative path": "storage: {files: [{path: etc/a}]}\n",
    }),
  ]),
  { name: "no variant", yaml: "version: 1.5.0\n" },
  { name: "no version", yaml: "variant: fcos\n" },
  { name: "an unknown variant", yaml: "variant: debian\nversion: 1.0.0\n" },
  { name: "the removed rhcos", yaml: "variant: rhcos\nversion: 0.1.0\n" },
  { name: "an unknown version", yaml: "variant: fcos\nversion: 1.99.0\n" },
  { name: "a short version", yaml: "variant: fcos\nversion: 1.5\n" },
  { name: "a version in quotes", yaml: 'variant: "fcos"\nversion: "1.5.0"\n' },
  { name: "a version that is no text", yaml: "variant: fcos\nversion: [1, 5, 0]\n" },
  { name: "an empty file", yaml: "" },
  { name: "a text", yaml: "just a text\n" },
  { name: "a list", yaml: "- variant: fcos\n" },
  { name: "an Ignition config", yaml: '{"ignition": {"version": "3.4.0"}}' },
  {
    name: "no files directory",
    yaml: `${head("fcos 1.5")}storage: {files: [{path: /a, contents: {local: text}}]}\n`,
    withoutFiles: true,
  },
  {
    name: "no files directory for a tree",
    yaml: `${head("fcos 1.5")}storage: {trees: [{local: tree}]}\n`,
    withoutFiles: true,
  },
  {
    name: "no files directory for keys",
    yaml: `${head("fcos 1.5")}passwd: {users: [{name: a, ssh_authorized_keys_local: [keys]}]}\n`,
    withoutFiles: true,
  },
];
