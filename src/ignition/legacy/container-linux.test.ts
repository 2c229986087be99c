import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { translateButane } from "../butane/translate.js";
import { decodeDataUrl } from "../data-url.js";

const translate = (text: string, more = {}) => translateButane(text, { file: "worker.yaml", ...more });
const said = (text: string, severity: "error" | "warning") =>
  translate(text)
    .problems.filter((problem) => problem.severity === severity)
    .map(({ line, path, message }) => `${line} ${path.join(".")}: ${message}`);

test("the worker of the network-boot guide", () => {
  const text = readFileSync(new URL("fixtures/worker.yaml", import.meta.url), "utf8");
  const { config, problems } = translate(text);
  expect(config).toMatchObject({
    ignition: { version: "3.4.0" },
    systemd: {
      units: [
        { name: "docker.service", enabled: true },
        { name: "locksmithd.service", mask: true },
        {
          name: "kubelet.path",
          enabled: true,
          contents: expect.stringContaining("PathExists=/etc/kubernetes"),
        },
        {
          name: "wait-for-dns.service",
          enabled: true,
          contents: expect.stringContaining("RequiredBy=kubelet"),
        },
      ],
    },
  });
  expect(problems.map(({ severity, line, message }) => `${severity} ${line} ${message}`)).toEqual([
    "warning 2 no variant and version: it is read as a Container Linux Config, Butane's forerunner",
    "warning 5 docker.service: enable is now called enabled",
    "warning 9 kubelet.path: enable is now called enabled",
    "warning 18 wait-for-dns.service: enable is now called enabled",
  ]);
});

test("files: inline, remote, local, appended, and where they are", () => {
  const { config, problems } = translate(
    `storage:
  filesystems: [{name: srv, path: /sysroot/srv}]
  files:
    - {path: /etc/a, filesystem: root, mode: 0600, contents: {inline: "a\\n"}, user: {id: 1}, group: {name: g}}
    - {path: /b, filesystem: srv, mode: 0644, contents: {remote: {url: "https://example.com/b", compression: gzip}}}
    - {path: /c, mode: 0644, contents: {local: c}}
    - {path: /d, mode: 0644, append: true, contents: {inline: d}}
    - {path: /e}
  directories: [{path: /dir, mode: 0700}]
  links: [{path: /l, target: /dir, hard: false}]
`,
    { readLocal: () => Buffer.from("local") },
  );
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(config?.storage).toEqual({
    files: [
      {
        path: "/etc/a",
        mode: 0o600,
        overwrite: true,
        user: { id: 1 },
        group: { name: "g" },
        contents: { source: "data:,a%0A" },
      },
      {
        path: "/srv/b",
        mode: 0o644,
        overwrite: true,
        contents: { source: "https://example.com/b", compression: "gzip" },
      },
      { path: "/c", mode: 0o644, overwrite: true, contents: { source: "data:,local" } },
      { path: "/d", mode: 0o644, append: [{ source: "data:,d" }] },
      { path: "/e", mode: 0o644, overwrite: true, contents: { source: "data:," } },
    ],
    directories: [{ path: "/dir", mode: 0o700 }],
    links: [{ path: "/l", target: "/dir" }],
  });
});

test("users, groups and disks", () => {
  const { config } = translate(`passwd:
  users:
    - {name: core, ssh_authorized_keys: [key], create: {uid: 1010, groups: [wheel], no_create_home: true}}
  groups: [{name: g, gid: 5}]
storage:
  disks:
    - device: /dev/vda
      wipe_table: true
      partitions: [{label: ROOT, number: 1, size: 1GiB, start: 1MiB, type_guid: linux_filesystem_data}, {number: 2}]
  filesystems:
    - {name: data, mount: {device: /dev/vdb, format: ext4, create: {force: true, options: [-q]}}}
  raid: [{name: r, level: raid1, devices: [/dev/vdc, /dev/vdd]}]
`);
  expect(config?.passwd).toEqual({
    users: [{ name: "core", sshAuthorizedKeys: ["key"], uid: 1010, groups: ["wheel"], noCreateHome: true }],
    groups: [{ name: "g", gid: 5 }],
  });
  expect(config?.storage).toMatchObject({
    disks: [
      {
        device: "/dev/vda",
        wipeTable: true,
        partitions: [
          {
            label: "ROOT",
            number: 1,
            sizeMiB: 1024,
            startMiB: 1,
            typeGuid: "0fc63daf-8483-4772-8e79-3d69d8477de4",
          },
          { number: 2 },
        ],
      },
    ],
    filesystems: [{ device: "/dev/vdb", format: "ext4", wipeFilesystem: true, options: ["-q"] }],
    raid: [{ name: "r", level: "raid1" }],
  });
});

test("sections of programs become files and drop-ins, and say so", () => {
  const text = `networkd: {units: [{name: 00-eth0.network, contents: "[Match]\\nName=eth0\\n"}]}
systemd: {units: [{name: docker.service, enabled: false}]}
docker: {flags: [--live-restore, --debug]}
update: {group: Stable}
locksmith: {reboot_strategy: etcd-lock, window_start: Sun 4:00, window_length: 1h30m}
`;
  const { config } = translate(text);
  expect(config?.systemd?.units).toEqual([
    {
      name: "docker.service",
      enabled: false,
      dropins: [
        {
          name: "20-slipway-docker.conf",
          contents: '[Service]\nEnvironment="DOCKER_OPTS=--live-restore --debug"\n',
        },
      ],
    },
  ]);
  const files = (config?.storage?.files ?? []).map(({ path, contents }) => [
    path,
    Buffer.from(decodeDataUrl(contents?.source ?? "")).toString(),
  ]);
  expect(files).toEqual([
    ["/etc/systemd/network/00-eth0.network", "[Match]\nName=eth0\n"],
    [
      "/etc/flatcar/update.conf",
      'GROUP=stable\nREBOOT_STRATEGY="etcd-lock"\nLOCKSMITHD_REBOOT_WINDOW_START="Sun 4:00"\nLOCKSMITHD_REBOOT_WINDOW_LENGTH="1h30m"\n',
    ],
  ]);
  expect(said(text, "warning").slice(1)).toEqual([
    "1 networkd.units.0: networkd units are now files: /etc/systemd/network/00-eth0.network",
    "3 docker: docker is now a drop-in of docker.service, 20-slipway-docker.conf",
    "4 update: update and locksmith are now /etc/flatcar/update.conf",
  ]);
});

test.each([
  ["etcd: {version: 3.3.0}\n", /^1 etcd: Container Linux's wrapper for etcd is gone/],
  ["flannel: {network_config: '{}'}\n", /^1 flannel: Container Linux's wrapper for flannel is gone/],
  ["locksmith: {reboot_strategy: never}\n", /^1 locksmith\.reboot_strategy: unknown strategy "never"/],
  ["locksmith: {window_start: noon, window_length: 1h}\n", /^1 locksmith\.window_start: not a time/],
  ["locksmith: {window_start: '14:00'}\n", /belong together/],
  [
    "storage:\n  files: [{path: etc/a, contents: {inline: a}}]\n",
    /^2 storage\.files\.0\.path: the path is not absolute/,
  ],
  [
    "storage:\n  files: [{path: /a, filesystem: oem}]\n",
    /^2 storage\.files\.0\.filesystem: there is no file system named "oem"/,
  ],
  [
    "storage: {files: [{path: /a, contents: {inline: a, local: b}}]}\n",
    /only one of inline, local and remote/,
  ],
  [
    "storage: {disks: [{device: /dev/vda, partitions: [{number: 1, size: 5KB}]}]}\n",
    /size: 5KB is not whole mebibytes/,
  ],
  [
    "storage: {disks: [{device: /dev/vda, partitions: [{number: 1, size: big}]}]}\n",
    /size: not a size: "big"/,
  ],
  ["systemd: {units: [{name: a.service, mask: maybe}]}\n", /mask: must be true or false/],
  ["storage: {files: [{path: /a, contents: {local: a}}]}\n", /local: local files need a files directory/],
])("%j is an error by name", (text, message) => {
  expect(said(text, "error")).toEqual([expect.stringMatching(message)]);
});

test("a config that is half Butane is none from before it", () => {
  expect(said("variant: fcos\nsystemd: {}\n", "error")).toEqual([
    expect.stringContaining("version is missing"),
  ]);
  expect(said("foo: bar\n", "error")).toEqual([expect.stringContaining("variant is missing")]);
  expect(said('{"ignition": {"version": "3.4.0"}}', "error")).toEqual([
    expect.stringContaining("an Ignition config already"),
  ]);
});
