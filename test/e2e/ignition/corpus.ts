import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { IgnitionConfig } from "../../../src/ignition/config.js";
import { encodeDataUrl } from "../../../src/ignition/data-url.js";

interface Case {
  name: string;
  config: IgnitionConfig;
  /** Both must refuse it. */
  refused?: true;
}

type Storage = NonNullable<IgnitionConfig["storage"]>;
type Units = NonNullable<NonNullable<IgnitionConfig["systemd"]>["units"]>;
type Passwd = NonNullable<IgnitionConfig["passwd"]>;

const ignition = { version: "3.4.0" };
const storage = (parts: Storage): IgnitionConfig => ({ ignition, storage: parts });
const units = (...list: Units): IgnitionConfig => ({ ignition, systemd: { units: list } });
const passwd = (parts: Passwd): IgnitionConfig => ({ ignition, passwd: parts });
const source = (contents: string | Uint8Array) => ({ source: encodeDataUrl(contents) });
const sha = (algorithm: "sha256" | "sha512", contents: string) =>
  `${algorithm}-${createHash(algorithm).update(contents).digest("hex")}`;
const service = "[Service]\nExecStart=/bin/true\n";
const installed = `${service}[Install]\nWantedBy=multi-user.target\nAlias=other-name.service\n`;

/** What a control-plane node's config is like in size and kind. */
const nodeConfig: IgnitionConfig = {
  ignition,
  storage: {
    directories: [
      { path: "/etc/kubernetes", mode: 0o755 },
      { path: "/etc/kubernetes/pki", mode: 0o700 },
      { path: "/var/lib/etcd", mode: 0o700 },
      { path: "/etc/cni/net.d", mode: 0o755 },
    ],
    files: [
      ...Array.from({ length: 40 }, (_, i) => ({
        path: `/etc/kubernetes/pki/part-${i}.${i % 2 ? "key" : "crt"}`,
        mode: i % 2 ? 0o600 : 0o644,
        contents: source(
          `-----BEGIN CERTIFICATE-----\n${"MIIB".repeat(200)}${i}\n-----END CERTIFICATE-----\n`,
        ),
      })),
      { path: "/etc/hostname", overwrite: true, mode: 0o644, contents: source("demo-1\n") },
      { path: "/etc/machine-id", mode: 0o444, contents: source("0123456789abcdef0123456789abcdef\n") },
      { path: "/etc/cni/net.d/10-bridge.conflist", mode: 0o644, contents: source('{"cniVersion":"1.0.0"}') },
      { path: "/etc/containerd/config.toml", mode: 0o644, contents: source("version = 3\n") },
    ],
    links: [{ path: "/etc/localtime", target: "../usr/share/zoneinfo/Etc/UTC" }],
  },
  systemd: {
    units: [
      ...["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet"].map(
        (name) => ({
          name: `${name}.service`,
          enabled: true,
          contents: installed.replace("other-name", `${name}-alias`),
        }),
      ),
      ...["getty@tty1.service", "systemd-networkd.service"].map((name) => ({ name, mask: true })),
      {
        name: "kubelet.service.d.service",
        dropins: [{ name: "10-nice.conf", contents: "[Service]\nNice=-10\n" }],
      },
    ],
  },
};

export const corpus: Case[] = [
  { name: "an empty config", config: { ignition } },
  {
    name: "the oldest spec",
    config: {
      ignition: { version: "3.0.0" },
      storage: { files: [{ path: "/a", contents: source("a"), mode: 0o640 }] },
    },
  },
  {
    name: "the newest spec",
    config: { ignition: { version: "3.5.0" }, storage: { files: [{ path: "/a", contents: source("a") }] } },
  },
  {
    name: "a file, its default mode and new parents",
    config: storage({ files: [{ path: "/srv/x/y/z", contents: source("z\n") }] }),
  },
  { name: "an empty file", config: storage({ files: [{ path: "/etc/empty" }] }) },
  {
    name: "percent-encoded, base64 and binary contents",
    config: storage({
      files: [
        { path: "/p", contents: { source: "data:,a%20b%0Ac%C3%A4" } },
        { path: "/b", contents: { source: "data:text/plain;charset=utf-8;base64,aGVsbG8K" } },
        { path: "/n", contents: source(Uint8Array.from({ length: 256 }, (_, i) => i)) },
        { path: "/q", contents: { source: "data:,a?b=c&d" } },
      ],
    }),
  },
  {
    name: "modes",
    config: storage({
      files: [0o400, 0o644, 0o755, 0o000, 0o777].map((mode) => ({
        path: `/f${mode}`,
        mode,
        contents: source("x"),
      })),
    }),
  },
  {
    name: "setuid and sticky bits, which spec 3.4 drops",
    config: storage({
      files: [{ path: "/suid", mode: 0o4755, contents: source("x") }],
      directories: [{ path: "/sticky", mode: 0o1777 }],
    }),
  },
  {
    name: "owners by number",
    config: storage({
      files: [{ path: "/o", user: { id: 1234 }, group: { id: 4321 }, contents: source("x") }],
    }),
  },
  {
    name: "owners by name, only one of them, and of a link",
    config: storage({
      files: [
        { path: "/u", user: { name: "kube" }, contents: source("x") },
        { path: "/g", group: { name: "shadow" }, mode: 0o640, contents: source("x") },
      ],
      links: [{ path: "/l", target: "nowhere", user: { name: "kube" }, group: { id: 7 } }],
    }),
  },
  {
    name: "an unknown owner",
    config: storage({ files: [{ path: "/u", user: { name: "nobody-here" }, contents: source("x") }] }),
    refused: true,
  },
  {
    name: "gzip",
    config: storage({
      files: [{ path: "/z", contents: { ...source(gzipSync("packed\n".repeat(100))), compression: "gzip" } }],
    }),
  },
  {
    name: "what is not gzip",
    config: storage({ files: [{ path: "/z", contents: { ...source("plain"), compression: "gzip" } }] }),
    refused: true,
  },
  {
    name: "verified contents, packed and not",
    config: storage({
      files: [
        { path: "/v5", contents: { ...source("five"), verification: { hash: sha("sha512", "five") } } },
        {
          path: "/v2",
          contents: {
            ...source(gzipSync("two")),
            compression: "gzip",
            verification: { hash: sha("sha256", "two") },
          },
        },
      ],
    }),
  },
  {
    name: "contents with another hash",
    config: storage({
      files: [{ path: "/v", contents: { ...source("five"), verification: { hash: sha("sha512", "six") } } }],
    }),
    refused: true,
  },
  {
    name: "appending to a new file, to one that is there, and to contents",
    config: storage({
      files: [
        { path: "/new", append: [source("one\n"), source("two\n")] },
        { path: "/etc/motd", append: [source("more\n")], mode: 0o600 },
        {
          path: "/both",
          contents: source("first\n"),
          append: [{ ...source(gzipSync("second\n")), compression: "gzip" }],
        },
      ],
    }),
  },
  {
    name: "only the mode of a file that is there",
    config: storage({
      files: [
        { path: "/etc/motd", mode: 0o444 },
        { path: "/etc/odd-mode", group: { id: 100 } },
      ],
    }),
  },
  {
    name: "overwriting a file, a link and a tree",
    config: storage({
      files: [
        { path: "/etc/motd", overwrite: true, contents: source("new\n") },
        { path: "/etc/to-motd", overwrite: true, contents: source("a file now\n") },
      ],
      links: [{ path: "/opt/tree", overwrite: true, target: "real" }],
    }),
  },
  {
    name: "a file that is there, not to be overwritten",
    config: storage({ files: [{ path: "/etc/motd", contents: source("new") }] }),
    refused: true,
  },
  {
    name: "a file where a directory is",
    config: storage({ files: [{ path: "/opt/tree", contents: source("new") }] }),
    refused: true,
  },
  {
    name: "directories, new and there",
    config: storage({
      directories: [
        { path: "/d/e/f", mode: 0o700, user: { name: "kube" } },
        { path: "/opt/real", mode: 0o711 },
        { path: "/home/kube", group: { name: "users" } },
        { path: "/opt/tree", overwrite: true },
      ],
    }),
  },
  {
    name: "a directory that inherits its group",
    config: storage({
      directories: [{ path: "/var/local/d" }, { path: "/var/local/m", mode: 0o750 }],
      files: [{ path: "/var/local/p/f", contents: source("x") }],
    }),
  },
  {
    name: "a directory where a file is",
    config: storage({ directories: [{ path: "/etc/motd" }] }),
    refused: true,
  },
  {
    name: "symbolic links: relative, absolute, dangling, there already",
    config: storage({
      links: [
        { path: "/rel", target: "etc/motd" },
        { path: "/abs", target: "/etc/motd" },
        { path: "/x/dangling", target: "../nowhere" },
        { path: "/etc/to-motd", target: "./motd" },
      ],
    }),
  },
  {
    name: "a symbolic link that is there and goes elsewhere",
    config: storage({ links: [{ path: "/etc/to-motd", target: "other" }] }),
    refused: true,
  },
  {
    name: "hard links, also to deeper files",
    config: storage({
      files: [{ path: "/deep/er/file", contents: source("x"), mode: 0o600 }],
      links: [
        { path: "/hard", target: "/deep/er/file", hard: true },
        { path: "/motd", target: "/etc/motd", hard: true },
        { path: "/of-link", target: "/etc/to-motd", hard: true },
      ],
    }),
  },
  {
    name: "a hard link to nothing",
    config: storage({ links: [{ path: "/hard", target: "/nowhere", hard: true }] }),
    refused: true,
  },
  {
    name: "paths through links of the root",
    config: storage({
      files: [
        { path: "/etc/config/file", contents: source("in /opt/real") },
        { path: "/var/run/new/pid", contents: source("in /run") },
        { path: "/var/escape/file2", contents: source("still inside") },
      ],
      directories: [{ path: "/etc/config/dir", mode: 0o700 }],
      links: [
        { path: "/etc/config/link", target: "file" },
        { path: "/hard", target: "/etc/config/kept", hard: true },
      ],
    }),
  },
  {
    name: "two paths that are one place",
    config: storage({
      files: [
        { path: "/etc/config/same", contents: source("a") },
        { path: "/opt/real/same", contents: source("b") },
      ],
    }),
    refused: true,
  },
  {
    name: "units and drop-ins",
    config: units(
      {
        name: "a.service",
        contents: service,
        dropins: [
          { name: "10-x.conf", contents: "[Service]\nNice=1\n" },
          { name: "20-y.conf", contents: "" },
        ],
      },
      { name: "b.service", dropins: [{ name: "only.conf", contents: "[Unit]\nAfter=a.service\n" }] },
      { name: "local.service", contents: service },
      { name: "empty.service", contents: "" },
      { name: "net.mount", contents: "[Mount]\nWhat=x\nWhere=/net\n" },
    ),
  },
  {
    name: "units that are on",
    config: units(
      { name: "on.service", enabled: true, contents: installed },
      {
        name: "b-timer.timer",
        enabled: true,
        contents: "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n",
      },
      { name: "static.service", enabled: true },
      { name: "absent.service", enabled: true },
    ),
  },
  {
    name: "units that are off: on, off, static, absent, aliased in the root",
    config: units(
      { name: "timer.service", enabled: false },
      { name: "off.service", enabled: false },
      { name: "static.service", enabled: false },
      { name: "absent.service", enabled: false },
      { name: "masked.service", enabled: false },
      { name: "new.service", enabled: false, contents: installed },
    ),
  },
  {
    name: "masked units, new and there",
    config: units(
      { name: "timer.service", mask: true },
      { name: "local.service", mask: true },
      { name: "fresh.service", mask: true, contents: service, enabled: false },
    ),
  },
  {
    name: "units whose mask is taken away",
    config: units(
      { name: "masked.service", mask: false },
      { name: "local.service", mask: false },
      { name: "absent.service", mask: false, contents: service },
    ),
  },
  {
    name: "a drop-in through a link that the config makes",
    config: {
      ignition,
      storage: { links: [{ path: "/etc/systemd/system/x.service.d", target: "/opt/real" }] },
      systemd: { units: [{ name: "x.service", dropins: [{ name: "a.conf", contents: "[Unit]\n" }] }] },
    },
  },
  {
    name: "groups",
    config: passwd({
      groups: [
        { name: "plain" },
        { name: "numbered", gid: 5000, passwordHash: "$6$hash" },
        { name: "system-one", system: true },
        { name: "system-two", system: true },
        { name: "gone", shouldExist: false },
      ],
    }),
  },
  { name: "a group that is there", config: passwd({ groups: [{ name: "sudo" }] }), refused: true },
  {
    name: "users: plain, complete, system, without home or group",
    config: passwd({
      groups: [{ name: "extra" }],
      users: [
        { name: "core" },
        {
          name: "full",
          uid: 2000,
          gecos: "Full Name",
          homeDir: "/srv/full",
          shell: "/bin/bash",
          groups: ["sudo", "extra"],
          passwordHash: "$6$salt$hash",
          sshAuthorizedKeys: ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
        },
        { name: "machine", system: true, noCreateHome: true, shell: "/usr/sbin/nologin" },
        { name: "machine2", system: true, homeDir: "/var/lib/machine2", noLogInit: true },
        { name: "shared", noUserGroup: true },
        { name: "grouped", primaryGroup: "extra" },
        { name: "absent", shouldExist: false },
      ],
    }),
  },
  {
    name: "users that are there",
    config: passwd({
      users: [
        { name: "root", passwordHash: "$6$new", sshAuthorizedKeys: ["ssh-ed25519 CCCC root"] },
        {
          name: "kube",
          gecos: "Changed",
          shell: "/bin/bash",
          groups: ["users"],
          homeDir: "/home/kube",
          sshAuthorizedKeys: ["ssh-ed25519 DDDD kube"],
        },
        { name: "daemon", passwordHash: "" },
      ],
    }),
  },
  {
    name: "a user in a group that is not there",
    config: passwd({ users: [{ name: "core", groups: ["nothing"] }] }),
    refused: true,
  },
  {
    name: "a user's number that is taken",
    config: passwd({ users: [{ name: "core", uid: 1500 }] }),
    refused: true,
  },
  {
    name: "files of a user that the config makes",
    config: {
      ignition,
      passwd: { users: [{ name: "core" }], groups: [{ name: "team", gid: 3000 }] },
      storage: {
        files: [
          { path: "/home/core/file", user: { name: "core" }, group: { name: "team" }, contents: source("x") },
        ],
      },
    },
  },
  {
    name: "a config merged over another",
    config: {
      ignition: {
        version: "3.4.0",
        config: {
          merge: [
            source(
              JSON.stringify({
                ignition: { version: "3.0.0" },
                storage: {
                  files: [
                    { path: "/m/one", contents: source("child") },
                    { path: "/m/two", mode: 0o600 },
                    { path: "/m/list", append: [source("child\n")] },
                  ],
                  links: [{ path: "/m/three", target: "one" }],
                },
                systemd: {
                  units: [
                    { name: "m.service", enabled: true, dropins: [{ name: "b.conf", contents: "[Unit]\n" }] },
                  ],
                },
              }),
            ),
            {
              ...source(
                gzipSync(
                  JSON.stringify({
                    ignition: { version: "3.1.0" },
                    storage: { directories: [{ path: "/m/four", mode: 0o700 }] },
                  }),
                ),
              ),
              compression: "gzip",
            },
          ],
        },
      },
      storage: {
        files: [
          { path: "/m/one", mode: 0o640, contents: source("parent") },
          { path: "/m/two", contents: source("kept") },
          { path: "/m/three", contents: source("becomes a link") },
          { path: "/m/list", append: [source("parent\n")] },
        ],
      },
      systemd: {
        units: [
          { name: "m.service", contents: installed, dropins: [{ name: "a.conf", contents: "[Unit]\n" }] },
        ],
      },
    },
  },
  {
    name: "a config that another replaces",
    config: {
      ignition: {
        version: "3.4.0",
        config: {
          replace: source(
            JSON.stringify({
              ignition,
              storage: { files: [{ path: "/replaced", contents: source("yes") }] },
            }),
          ),
        },
      },
      storage: { files: [{ path: "/original", contents: source("no") }] },
    },
  },
  {
    name: "merging into something that is not valid",
    config: {
      ignition: {
        version: "3.4.0",
        config: {
          merge: [source(JSON.stringify({ ignition, storage: { links: [{ path: "/m", target: "x" }] } }))],
        },
      },
      storage: { files: [{ path: "/m/below", contents: source("x") }] },
    },
    refused: true,
  },
  { name: "a node's whole config", config: nodeConfig },
];

export { nodeConfig };
