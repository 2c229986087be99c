import type { IgnitionUnit } from "../ignition/config.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { parseSnapshotInterval } from "../spec/snapshots.js";
import type { NodeAddress } from "./addresses.js";
import { etcdctlSettings } from "./etcd-client.js";
import { pki, places } from "./places.js";

/** The unit whose journal says how the scheduled snapshots went. */
export const snapshotUnit = "slipway-snapshot";
export const snapshotScript = "/etc/slipway/snapshot.sh";
export const encryptionKeyIdFile = "/etc/slipway/encryption-key-id";

/** How often at most the timer looks whether one is due: a machine is off at times, and what is due then is made up for. */
const longestTickSeconds = 300;
/** After boot, so that the first one does not compete with the start of everything else. */
const longestFirstSeconds = 60;

/**
 * The timer, and the service that it starts. They are there also when nothing is scheduled, and off: a config that names a
 * unit as off takes it out of a node that had it on.
 */
export function snapshotUnits({ snapshots }: ClusterSpec): IgnitionUnit[] {
  const everySeconds = snapshots ? parseSnapshotInterval(snapshots.every) / 1000 : longestTickSeconds;
  const tick = Math.floor(Math.min(everySeconds, longestTickSeconds));
  return [
    {
      name: `${snapshotUnit}.service`,
      contents: `[Unit]
Description=A snapshot of etcd, if one is due
After=etcd.service

[Service]
Type=oneshot
ExecStart=/bin/sh ${snapshotScript}
Nice=10
IOSchedulingClass=idle
`,
    },
    {
      name: `${snapshotUnit}.timer`,
      enabled: snapshots !== undefined,
      contents: `[Unit]
Description=Snapshots of etcd${snapshots ? ` every ${snapshots.every}` : ""}

[Timer]
OnActiveSec=${Math.min(tick, longestFirstSeconds)}s
OnUnitInactiveSec=${tick}s
AccuracySec=1s

[Install]
WantedBy=timers.target
`,
    },
  ];
}

/**
 * Takes a snapshot when the last one is old enough, verifies it, writes its description beside it (the description last: what
 * has none is no snapshot) and removes the oldest. The description is that of cluster/snapshot/description.ts.
 */
export function snapshotScriptText(spec: ClusterSpec, node: NodeAddress): string {
  const { every, keep } = spec.snapshots ?? { every: "6h", keep: 7 };
  const everySeconds = Math.floor(parseSnapshotInterval(every) / 1000);
  const slack = Math.floor(Math.min(everySeconds, longestTickSeconds) / 2);
  const fields = [
    '"version":1,"name":"%s","takenAt":"%s","reason":"schedule"',
    `"node":"${node.name}","cluster":"${spec.metadata.name}"`,
    `"kubernetesVersion":"${spec.kubernetesVersion}","etcdVersion":"%s"`,
    '"sizeBytes":%s,"sha256":"%s","etcd":%s,"caFingerprint":"%s","encryptionKeyId":"%s"',
  ];
  return `#!/bin/sh
set -eu
umask 077
mkdir -p ${places.snapshots}
cd ${places.snapshots}
rm -rf .part
newest=$(ls -1 | grep '\\.json$' | tail -n 1)
if [ -n "$newest" ]; then
  age=$(($(date +%s) - $(stat -c %Y "$newest")))
  # A time in the future is the clock's mistake, and no reason to wait for it.
  if [ "$age" -ge 0 ] && [ "$((age + ${slack}))" -lt ${everySeconds} ]; then exit 0; fi
fi
${etcdctlSettings}etcdctl endpoint health
mkdir .part
etcdctl snapshot save .part/snapshot.db
status=$(etcdutl snapshot status --write-out json .part/snapshot.db)
taken=$(date -u +%Y-%m-%dT%H:%M:%SZ)
name=auto-${node.name}-$(date -u +%Y%m%d-%H%M%S)
version=$(etcdctl version | sed -n 's/^etcdctl version: *//p')
sum=$(sha256sum .part/snapshot.db | cut -c1-64)
authority=$(sha256sum ${pki("ca.crt")} | cut -c1-64)
key=$(cat ${encryptionKeyIdFile})
printf '{${fields.join(",")}}\\n' "$name" "$taken" "$version" "$(stat -c %s .part/snapshot.db)" "$sum" "$status" "$authority" "$key" >.part/description.json
sync .part/snapshot.db .part/description.json
mv .part/snapshot.db "$name.db"
mv .part/description.json "$name.json"
rmdir .part
sync .
ls -1 | grep '\\.json$' | head -n -${keep} | while read -r old; do rm -f "$old" "\${old%.json}.db"; done
for file in *.db; do [ -e "\${file%.db}.json" ] || rm -f "$file"; done
`;
}
