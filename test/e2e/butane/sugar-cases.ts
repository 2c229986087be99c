import { gzipSync } from "node:zlib";
import { type Case, casesOf } from "./case.js";

const packed = gzipSync("packed by the user\n").toString("base64");
const contents = (fields: string): string => `storage: {files: [{path: /a, contents: {${fields}}}]}\n`;
const repeated = (text: string, times: number): string => contents(`inline: "${text.repeat(times)}"`);
const filesystem = (fields: string, more = ""): string => `storage:\n  filesystems: [{${fields}}]\n${more}`;
const mounted = (fields: string, more = ""): string => filesystem(`${fields}, with_mount_unit: true`, more);
const bootDevice = (fields: string): string => `boot_device: {${fields}}\n`;
const grub = (users: string): string => `grub: {users: [${users}]}\n`;
const remoteLuks = `  luks:
    - name: far
      device: /dev/vdc
      clevis: {tang: [{url: https://t, thumbprint: x}]}
    - {name: near, device: /dev/vdd, clevis: {tpm2: true}}
`;

const resourceCases = casesOf("fcos 1.5", {
  "short text": contents("inline: hello"),
  "text that is shorter in base64": contents('inline: "{{{{{{{{{{"'),
  "text of escapes and letters": contents(`inline: "a b c d e f"`),
  "long text that packs well": repeated("all work and no play ", 200),
  "text just before packing pays": contents(`inline: ${"abcdefghijklmnopqrstuvwxyz0123456789".repeat(1)}`),
  "text that does not pack": contents("inline: q8Zk1LwX0vP3mRt7YbN5cJ2hGf9DsAe4UiOo6TyKlWzQxCvBn"),
  "a key in PEM": repeated("-----BEGIN KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n", 12),
  "inline and source": contents('inline: a, source: "data:,b"'),
  "inline and local": contents("inline: a, local: text"),
  "all three": contents('inline: a, local: text, source: "data:,b"'),
  "none of them": contents("compression: gzip"),
  "an empty inline with a source": contents('inline: "", source: "data:,b"'),
  "compressed already": contents(`source: "data:;base64,${packed}", compression: gzip`),
  "inline that says gzip": contents("inline: not really, compression: gzip"),
  "inline with an empty compression": contents('inline: text, compression: ""'),
  "an unknown compression": contents('source: "https://a/b", compression: xz'),
  headers: contents('source: "https://a/b", http_headers: [{name: A, value: b}, {name: C, value: ""}]'),
  "headers of inline": contents("inline: a, http_headers: [{name: A, value: b}]"),
  "a hash of inline": contents(`inline: a, verification: {hash: sha256-${"0".repeat(64)}}`),
  "a hash of a wrong length": contents("inline: a, verification: {hash: sha256-00}"),
  "an unknown scheme": contents('source: "ftp://a/b"'),
  "an ARN": contents('source: "arn:aws:s3:::bucket/key"'),
  "a binary local file": contents("local: binary"),
  "a large local file": contents("local: large"),
  "an empty local file": contents("local: empty"),
  "a local file that is not there": contents("local: nowhere"),
  "a local file outside": contents("local: ../outside"),
  "a local file with a way round": contents("local: sub/../text"),
  "a local file with a slash first": contents("local: /text"),
  "a local directory": contents("local: sub"),
  "an empty local path": contents('local: ""'),
  "merge from inline":
    'ignition: {config: {merge: [{inline: \'{"ignition": {"version": "3.4.0"}}\'}, {local: text}]}}\n',
  "replace from local": "ignition: {config: {replace: {local: text}}}\n",
  "an authority from inline": "ignition: {security: {tls: {certificate_authorities: [{inline: PEM}]}}}\n",
  "two authorities alike":
    "ignition: {security: {tls: {certificate_authorities: [{inline: PEM}, {inline: PEM}]}}}\n",
  "an append of both": 'storage: {files: [{path: /a, append: [{inline: a, source: "data:,b"}]}]}\n',
});

const localCases = casesOf("fcos 1.5", {
  "contents and contents_local":
    "systemd: {units: [{name: a.service, contents: '[Unit]', contents_local: unit}]}\n",
  "a drop-in with both":
    "systemd: {units: [{name: a.service, dropins: [{name: a.conf, contents: '', contents_local: unit}]}]}\n",
  "a unit that is not there": "systemd: {units: [{name: a.service, contents_local: nowhere}]}\n",
  "a unit that is no unit": "systemd: {units: [{name: a.service, contents_local: broken-unit}]}\n",
  "an empty contents_local": 'systemd: {units: [{name: a.service, contents_local: ""}]}\n',
  "keys with Windows line ends":
    "passwd: {users: [{name: a, ssh_authorized_keys_local: [keys, crlf-keys]}]}\n",
  "a key twice":
    "passwd: {users: [{name: a, ssh_authorized_keys: [ssh-ed25519 AAAA one], ssh_authorized_keys_local: [keys]}]}\n",
  "keys that are not there": "passwd: {users: [{name: a, ssh_authorized_keys_local: [nowhere]}]}\n",
  "no keys": "passwd: {users: [{name: a, ssh_authorized_keys_local: []}]}\n",
  "an empty key file": "passwd: {users: [{name: a, ssh_authorized_keys_local: [empty]}]}\n",
  "a tree at the root": "storage: {trees: [{local: tree}]}\n",
  "two trees": "storage: {trees: [{local: tree, path: /one}, {local: sub, path: /two/}]}\n",
  "the same tree twice": "storage: {trees: [{local: tree}, {local: tree}]}\n",
  "a tree without local": "storage: {trees: [{path: /a}]}\n",
  "a tree that is a file": "storage: {trees: [{local: text}]}\n",
  "a tree that is not there": "storage: {trees: [{local: nowhere}]}\n",
  "a tree outside": "storage: {trees: [{local: ..}]}\n",
  "the whole files directory": "storage: {trees: [{local: ., path: /all}]}\n",
  "a tree with a relative path": "storage: {trees: [{local: sub, path: rel}]}\n",
  "a tree that fills an entry": `
storage:
  files: [{path: /t/script, user: {name: core}, mode: 0700}]
  links: [{path: /t/link, target: "", user: {id: 1}}]
  trees: [{local: tree, path: /t}]
`,
  "a tree against contents": `
storage:
  files: [{path: /t/script, contents: {inline: other}}]
  trees: [{local: tree, path: /t}]
`,
  "a tree against a directory":
    "storage: {directories: [{path: /t/script}], trees: [{local: tree, path: /t}]}\n",
  "a tree against a link":
    "storage: {links: [{path: /t/script, target: a}], trees: [{local: tree, path: /t}]}\n",
  "a tree that fills a compressed entry": `
storage:
  files: [{path: /t/script, contents: {compression: gzip}}]
  trees: [{local: tree, path: /t}]
`,
  "a tree with a file that is a unit too": `
systemd: {units: [{name: script, contents: "[Unit]"}]}
storage: {trees: [{local: tree, path: /etc/systemd/system}]}
`,
});

const mountCases = ["fcos 1.1", "fcos 1.2", "fcos 1.4", "fcos 1.6"].flatMap((variant) =>
  casesOf(variant, {
    "a mount with options": mounted(
      "device: /dev/vdb, format: xfs, path: /var/lib/a-b, mount_options: [noatime, ro]",
    ),
    "a mount without a path": mounted("device: /dev/vdb, format: xfs"),
    "a mount without a format": mounted("device: /dev/vdb, path: /var/a"),
    "a mount outside /etc and /var": mounted("device: /dev/vdb, format: xfs, path: /srv"),
    "a mount of /var": mounted("device: /dev/disk/by-partlabel/var, format: xfs, path: /var"),
    "a mount of a path that only begins so": mounted("device: /dev/vdb, format: xfs, path: /variety"),
    swap: mounted("device: /dev/vdb, format: swap, mount_options: [pri=5]"),
    "swap with a path": mounted("device: /dev/vdb, format: swap, path: /var/swap"),
    "no mount unit": filesystem("device: /dev/vdb, format: xfs, path: /srv, with_mount_unit: false"),
    "a mount from the network": mounted("device: /dev/mapper/far, format: ext4, path: /var/far", remoteLuks),
    "a mount from the network with options": mounted(
      "device: /dev/disk/by-id/dm-name-far, format: ext4, path: /var/far, mount_options: [ro]",
      remoteLuks,
    ),
    "an encrypted mount nearby": mounted(
      "device: /dev/mapper/near, format: ext4, path: /var/near",
      remoteLuks,
    ),
    "swap from the network": mounted("device: /dev/mapper/far, format: swap", remoteLuks),
    "a path with odd characters": mounted(
      `device: "/dev/disk/by-id/a b", format: ext4, path: "/var/.hid/ä-x"`,
    ),
    "a unit that says more of the mount": `${mounted("device: /dev/vdb, format: ext4, path: /var/a")}systemd:
  units:
    - {name: a.service, mask: true}
    - {name: var-a.mount, enabled: false, dropins: [{name: a.conf, contents: "[Mount]\\nTimeoutSec=5\\n"}]}
`,
    "a relative mount": mounted("device: vdb, format: ext4, path: var/a"),
  }),
);

const bootCases = [
  ...["fcos 1.3", "fcos 1.5", "fcos 1.6"].flatMap((variant) =>
    ["x86_64", "aarch64", "ppc64le", "s390x-eckd", "s390x-zfcp", "s390x-virt", "riscv"].flatMap((layout) =>
      casesOf(variant, {
        [`a mirror on ${layout}`]: bootDevice(`layout: ${layout}, mirror: {devices: [/dev/vda, /dev/vdb]}`),
        [`LUKS on ${layout}`]: bootDevice(
          `layout: ${layout}, luks: {tpm2: true, tang: [{url: https://t, thumbprint: x}], threshold: 2}`,
        ),
      }),
    ),
  ),
  ...casesOf("fcos 1.6", {
    "a boot device of nothing": bootDevice(""),
    "a layout alone": bootDevice("layout: x86_64"),
    "a mirror of one": bootDevice("mirror: {devices: [/dev/vda]}"),
    "a mirror of three with LUKS": bootDevice(
      "mirror: {devices: [/dev/vda, /dev/vdb, /dev/vdc]}, luks: {tpm2: yes, discard: true}",
    ),
    "the same disk twice": bootDevice("mirror: {devices: [/dev/vda, /dev/vda]}"),
    "a relative disk": bootDevice("mirror: {devices: [vda, /dev/vdb]}"),
    "a DASD": bootDevice("layout: s390x-eckd, luks: {device: /dev/dasda, tpm2: true}"),
    "a zFCP disk": bootDevice(
      "layout: s390x-zfcp, luks: {device: /dev/sda, tang: [{url: https://t, thumbprint: x}]}",
    ),
    "a DASD by another name": bootDevice("layout: s390x-eckd, luks: {device: /dev/vda, tpm2: true}"),
    "a zFCP disk by another name": bootDevice("layout: s390x-zfcp, luks: {device: /dev/dasda, tpm2: true}"),
    cex: bootDevice("layout: s390x-eckd, luks: {device: /dev/dasda, cex: {enabled: true}, discard: true}"),
    "cex on virt": bootDevice("layout: s390x-virt, luks: {cex: {enabled: true}}"),
    "cex without a layout": bootDevice("luks: {cex: {enabled: true}}"),
    "cex on x86_64": bootDevice("layout: x86_64, luks: {cex: {enabled: true}}"),
    "cex with tpm2": bootDevice("layout: s390x-virt, luks: {cex: {enabled: true}, tpm2: true}"),
    "cex that is off": bootDevice("luks: {cex: {enabled: false}, tpm2: true}"),
    "tang without a thumbprint": bootDevice("luks: {tang: [{url: https://t}]}"),
    "a threshold alone": bootDevice("luks: {threshold: 1}"),
    "a mirror whose parts are said otherwise": `
boot_device: {mirror: {devices: [/dev/vda, /dev/vdb]}}
storage:
  disks:
    - device: /dev/vda
      partitions: [{label: root-1, size_mib: 8192}, {label: var-1}]
    - device: /dev/vdc
      wipe_table: true
  filesystems:
    - {device: /dev/md/md-root, format: btrfs, wipe_filesystem: true}
    - {device: /dev/md/md-var, format: xfs, path: /var, with_mount_unit: true}
  raid:
    - {name: md-var, level: raid1, devices: [/dev/disk/by-partlabel/var-1, /dev/vdd]}
    - {name: md-root, options: [--assume-clean]}
`,
    "LUKS whose parts are said otherwise": `
boot_device: {luks: {tpm2: true}}
storage:
  luks: [{name: root, label: other, clevis: {threshold: 1}}]
  filesystems: [{device: /dev/mapper/root, format: ext4}]
`,
    "partitions of the system": `
storage:
  disks:
    - device: /dev/disk/by-id/coreos-boot-disk
      partitions: [{label: root, number: 4, size_mib: 8192, resize: true}, {label: var, size_mib: 0}]
    - device: /dev/vdb
      partitions: [{label: root, number: 1}, {label: data}, {label: boot}]
`,
  }),
];

const grubCases = casesOf("fcos 1.5", {
  "two users": grub("{name: a, password_hash: b}, {name: c, password_hash: d}"),
  "many users": grub(
    Array.from({ length: 30 }, (_, i) => `{name: u${i}, password_hash: grub.pbkdf2.sha512.10000.${i}}`).join(
      ", ",
    ),
  ),
  "no name": grub("{password_hash: x}"),
  "no password": grub("{name: root}"),
  "an empty password": grub('{name: root, password_hash: ""}'),
  "no users": grub(""),
  "grub with its own boot file system": `${grub("{name: r, password_hash: h}")}storage:
  files: [{path: /boot/grub2/user.cfg, mode: 0600, append: [{inline: more}]}, {path: /a}]
  filesystems: [{device: /dev/disk/by-label/boot, format: ext4, path: /boot, label: boot}]
`,
  "grub with a boot device": `${grub("{name: r, password_hash: h}")}boot_device: {luks: {tpm2: true}}\n`,
});

/** About as long packed as not. */
const packingCases = casesOf("fcos 1.5", {
  "contents that only zlib packs": grub(
    "{name: root, password_hash: grub.pbkdf2.a}, {name: admin, password_hash: grub.pbkdf2.b}",
  ),
}).map((one): Case => ({ ...one, packedByOursOnly: true }));

const modeCases = [
  0, 4, 7, 111, 222, 400, 420, 440, 444, 511, 600, 640, 644, 700, 711, 750, 755, 777, 1755, 2755, 4755, 7777,
  8888,
].map(
  (mode): Case => ({
    name: `mode ${mode}`,
    yaml: `variant: fcos\nversion: 1.4.0\nstorage:\n  files: [{path: /f, mode: ${mode}}]\n  directories: [{path: /d, mode: ${mode}}]\n`,
  }),
);

export const sugarCases: Case[] = [
  ...resourceCases,
  ...localCases,
  ...mountCases,
  ...bootCases,
  ...grubCases,
  ...packingCases,
  ...modeCases,
];
