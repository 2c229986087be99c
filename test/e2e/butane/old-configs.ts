import { readFileSync } from "node:fs";

const storage = (parts: object, version = "2.2.0") => ({ ignition: { version }, storage: parts });
const root = { filesystem: "root" };

/** Ignition's spec 2, as Container Linux's users wrote it. */
export const oldConfigs: Record<string, object> = {
  "2.0": storage({ files: [{ ...root, path: "/a", mode: 420, contents: { source: "data:,a" } }] }, "2.0.0"),
  "2.1": { ignition: { version: "2.1.0" }, systemd: { units: [{ name: "a.service", enabled: false }] } },
  "2.4": { ignition: { version: "2.4.0", proxy: { httpsProxy: "https://p:1" } } },
  "a verified file": storage({
    files: [
      {
        ...root,
        path: "/a",
        mode: 420,
        contents: {
          source: "https://a/b",
          compression: "gzip",
          verification: { hash: `sha512-${"0".repeat(128)}` },
        },
      },
    ],
  }),
  "a file without contents": storage({ files: [{ ...root, path: "/a", mode: 384 }] }),
  "an appended file": storage({
    files: [{ ...root, path: "/a", append: true, contents: { source: "data:,a" } }],
  }),
  "directories and links": storage({
    directories: [{ ...root, path: "/d", mode: 448, user: { id: 500 }, group: { name: "g" } }],
    links: [
      { ...root, path: "/l", target: "/d" },
      { ...root, path: "/h", target: "/etc/passwd", hard: true },
    ],
  }),
  disks: storage(
    {
      disks: [
        {
          device: "/dev/vda",
          wipeTable: true,
          partitions: [{ label: "a", number: 1, start: 2048, size: 204800 }],
        },
        { device: "/dev/vdb", partitions: [{ number: 3, shouldExist: false, wipePartitionEntry: true }] },
      ],
      raid: [{ name: "r", level: "raid1", devices: ["/dev/vdc", "/dev/vdd"], spares: 1 }],
      filesystems: [
        { name: "a", mount: { device: "/dev/vda1", format: "ext4", label: "a", options: ["-q"] } },
        {
          name: "b",
          mount: { device: "/dev/md/r", format: "btrfs", create: { force: true, options: ["-q"] } },
        },
        { name: "c", path: "/sysroot/srv" },
      ],
      files: [{ filesystem: "c", path: "/x", mode: 420, contents: { source: "data:,x" } }],
    },
    "2.3.0",
  ),
  users: {
    ignition: { version: "2.2.0" },
    passwd: {
      users: [
        { name: "core", passwordHash: "$6$x", sshAuthorizedKeys: ["a", "b"] },
        { name: "new", create: { uid: 1000, groups: ["docker"], homeDir: "/home/n", shell: "/bin/bash" } },
      ],
      groups: [{ name: "g", gid: 900, system: true }],
    },
  },
  "units and networks": {
    ignition: { version: "2.2.0" },
    systemd: {
      units: [
        {
          name: "a.service",
          enable: true,
          contents: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target",
        },
        { name: "b.service", mask: true },
        { name: "c.service", dropins: [{ name: "c.conf", contents: "[Service]\n" }] },
      ],
    },
    networkd: {
      units: [
        { name: "00-a.network", contents: "[Match]\nName=a\n" },
        { name: "10-b.network", dropins: [{ name: "b.conf", contents: "[Network]\n" }] },
      ],
    },
  },
  "other configs": {
    ignition: {
      version: "2.4.0",
      config: {
        append: [{ source: "https://a/b" }],
        replace: { source: "https://a/c", httpHeaders: [{ name: "a", value: "b" }] },
      },
      security: { tls: { certificateAuthorities: [{ source: "https://a/ca" }] } },
      timeouts: { httpResponseHeaders: 10, httpTotal: 0 },
    },
  },
};

export const containerLinuxConfigs: Record<string, string> = {
  "the worker of the network-boot guide": readFileSync(
    new URL("../../../src/ignition/legacy/fixtures/worker.yaml", import.meta.url),
    "utf8",
  ),
  "files and users": `storage:
  files:
    - {path: /etc/hostname, filesystem: root, mode: 0644, contents: {inline: node1}}
    - {path: /opt/a, filesystem: root, mode: 0755, contents: {remote: {url: "https://a/b", verification: {hash: {function: sha512, sum: ${"0".repeat(128)}}}}}}
  directories: [{path: /var/lib/a, filesystem: root}]
passwd:
  users: [{name: core, ssh_authorized_keys: [a]}, {name: bob, create: {uid: 1200, groups: [sudo]}}]
`,
  "programs of Container Linux": `docker: {flags: [--live-restore]}
update: {group: beta, server: "https://u"}
locksmith: {reboot_strategy: off}
networkd: {units: [{name: 00-a.network, contents: "[Match]\\nName=eth0\\n"}]}
ignition:
  config: {append: [{source: "https://a/b"}]}
  timeouts: {http_total: 5}
`,
  disks: `storage:
  disks:
    - device: /dev/vda
      wipe_table: true
      partitions: [{label: ROOT, number: 9, size: 2GiB, type_guid: linux_filesystem_data}, {number: 2, size: 100MiB, start: 1MiB}]
  raid: [{name: r, level: stripe, devices: [/dev/vdb, /dev/vdc]}]
  filesystems: [{name: root, mount: {device: /dev/disk/by-partlabel/ROOT, format: ext4, wipe_filesystem: true, label: ROOT}}]
`,
};
