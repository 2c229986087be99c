import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What the configs of the corpus find: a small root with accounts, units, links and files in the way. */
const files: Record<string, { text: string; mode?: number; uid?: number; gid?: number }> = {
  "/etc/passwd": {
    text: "root:x:0:0:root:/root:/bin/bash\ndaemon:x:103:103::/run:/usr/sbin/nologin\nkube:x:1500:1500:Kube:/home/kube:/bin/sh\n",
  },
  "/etc/group": {
    text: "root:x:0:\nsudo:x:27:kube\nshadow:x:42:\nusers:x:100:\ndaemon:x:103:\nkube:x:1500:\n",
  },
  "/etc/shadow": {
    text: "root:*:19000:0:99999:7:::\ndaemon:*:19000::::::\nkube:!:19000:0:99999:7:::\n",
    mode: 0o640,
    gid: 42,
  },
  "/etc/gshadow": {
    text: "root:*::\nsudo:*::kube\nshadow:*::\nusers:*::\ndaemon:*::\nkube:!::\n",
    mode: 0o640,
    gid: 42,
  },
  "/etc/subuid": { text: "kube:100000:65536\n" },
  "/etc/subgid": { text: "kube:100000:65536\n" },
  "/etc/login.defs": {
    text: "UMASK 022\nPASS_MAX_DAYS\t99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nUID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nSUB_UID_MIN 100000\nSUB_UID_COUNT 65536\nUSERGROUPS_ENAB yes\n",
  },
  "/etc/default/useradd": { text: "# none\nSHELL=/bin/sh\n" },
  "/etc/skel/.profile": { text: "# profile\n" },
  "/etc/skel/.private": { text: "#!/bin/sh\n", mode: 0o700 }, // no directories: useradd 4.13 leaves them empty
  "/home/kube/note": { text: "mine\n", mode: 0o600, uid: 1500, gid: 1500 },
  "/etc/motd": { text: "welcome\n" },
  "/etc/odd-mode": { text: "odd\n", mode: 0o4750, uid: 1500, gid: 42 },
  "/opt/real/kept": { text: "kept\n" },
  "/opt/tree/a/b": { text: "deep\n" },
  "/usr/lib/systemd/system/static.service": { text: "[Service]\nExecStart=/bin/true\n" },
  "/usr/lib/systemd/system/timer.service": {
    text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
  },
  "/usr/lib/systemd/system/off.service": {
    text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=dark.service\n",
  },
  "/usr/lib/systemd/system/multi-user.target": { text: "[Unit]\nDescription=Multi-User\n" },
  "/etc/systemd/system/local.service": { text: "[Service]\nExecStart=/bin/false\n" },
};

const links: Record<string, string> = {
  "/etc/config": "/opt/real", // absolute: inside the root
  "/var/run": "../run",
  "/var/escape": "../../../../../../opt/real", // stops at the root
  "/etc/systemd/system/multi-user.target.wants/timer.service": "/usr/lib/systemd/system/timer.service",
  "/etc/systemd/system/masked.service": "/dev/null",
  "/etc/to-motd": "motd",
};

/** Lays the tree out in an empty directory, the same way every time. */
export function layBaseTree(root: string): void {
  for (const [path, { text, mode = 0o644, uid = 0, gid = 0 }] of Object.entries(files)) {
    const host = join(root, path);
    mkdirSync(dirname(host), { recursive: true });
    writeFileSync(host, text);
    chownSync(host, uid, gid);
    chmodSync(host, mode);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  for (const directory of ["/run", "/root", "/var/local"])
    mkdirSync(join(root, directory), { recursive: true });
  chownSync(join(root, "/home/kube"), 1500, 1500);
  chmodSync(join(root, "/var/local"), 0o2775); // setgid is inherited
  chownSync(join(root, "/var/local"), 0, 42);
  chmodSync(join(root, "/var/local"), 0o2775);
}
