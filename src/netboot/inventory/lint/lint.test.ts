import { expect, test } from "vitest";
import { inventoryProblemText } from "../problem.js";
import { head, TestLab } from "../testing.js";
import { lintInventory } from "./lint.js";

async function findings(files: Record<string, string>): Promise<string[]> {
  await using lab = await TestLab.create(files);
  const { problems } = await lintInventory(lab.directory);
  return problems.map((problem) => `${problem.severity} ${inventoryProblemText(problem)}`);
}

const fcos = "variant: fcos\nversion: 1.5.0\n";
const good = {
  "groups/node1.json":
    '{"id": "node1", "profile": "worker", "selector": {"mac": "52:54:00:00:00:0a"}, "metadata": {"name": "n"}}',
  "profiles/worker.json":
    '{"id": "worker",\n "boot": {"kernel": "/assets/vmlinuz",\n  "initrd": ["/assets/initrd"],\n  "args": ["initrd=initrd"]},\n "ignition_id": "w.yaml"}',
  "ignition/w.yaml": `${fcos}# {{.name}} {{.mac}} {{.request.query.uuid}}\n`,
  "assets/vmlinuz": "",
  "assets/initrd": "",
};

test("nothing is said of what is in order", async () => {
  expect(await findings(good)).toEqual([]);
});

test.each<[what: string, files: Record<string, string>, said: string]>([
  [
    "an unknown boot profile",
    { "groups/x.json": '{\n  "profile": "workr", "selector": {"a": "b"}}' },
    "error groups/x.json:2:3 profile: there is no boot profile workr, did you mean worker?",
  ],
  [
    "an unknown configuration",
    { "profiles/worker.json": '{"boot": {"kernel": "k"},\n"ignition_id": "x.yaml"}' },
    "error profiles/worker.json:2:1 ignition_id: there is no file in ignition/ called x.yaml, did you mean w.yaml?",
  ],
  [
    "a boot profile that nobody boots",
    { "profiles/p.json": '{"boot": {"kernel": "k"}}' },
    "warning profiles/p.json: no group boots the boot profile p",
  ],
  [
    "a configuration that nobody names",
    { "cloud/c": "x" },
    "warning cloud/c: no boot profile names this cloud configuration",
  ],
  [
    "a missing asset",
    { "profiles/worker.json": '{"boot": {"kernel": "/assets/vmlinuz2"}}' },
    "error profiles/worker.json:1:11 boot.kernel: there is no asset vmlinuz2",
  ],
  [
    "a missing boot file",
    {
      "lab.yaml":
        "apiVersion: slipway.dev/v1alpha1\nkind: Lab\nbootFiles:\n  uefi-arm64: tftp/arm64.efi\n  uefi-ia32: groups/node1.json\n",
    },
    "error lab.yaml:4:3 bootFiles.uefi-arm64: there is no boot file tftp/arm64.efi",
  ],
  [
    "a machine's missing boot file",
    {
      "lab.yaml":
        'apiVersion: slipway.dev/v1alpha1\nkind: Lab\nmachines:\n  - name: node2\n    mac: "52:54:00:00:00:0b"\n    bootFile: grub.efi\n',
    },
    "there is no boot file grub.efi",
  ],
  [
    "an asset outside",
    { "profiles/worker.json": '{"boot": {"kernel": "/assets/../groups/node1.json"}}' },
    "there is no asset ../groups/node1.json",
  ],
  [
    "no initrd argument",
    { "profiles/worker.json": '{"boot": {"kernel": "k", "initrd": ["http://x/i.gz?a"], "args": ["quiet"]}}' },
    "warning profiles/worker.json:1:57 boot.args: UEFI machines find no initrd without the argument initrd=i.gz",
  ],
  [
    "another initrd argument",
    {
      "profiles/worker.json":
        '{"boot": {"kernel": "k", "initrd": ["--name main x/i.gz"], "args": ["initrd=i.gz"]}}',
    },
    "boot.args[0]: no initrd is called i.gz; there is main",
  ],
  [
    "an Ignition URL without a config",
    {
      "profiles/worker.json":
        '{"boot": {"kernel": "k", "args": ["ignition.config.url=http://x/ignition?mac=1"]}}',
    },
    "boot.args[0]: asks this server for an Ignition config, and the boot profile worker has none",
  ],
  [
    "a shadowed group",
    {
      "groups/node2.json":
        '{"profile": "worker", "selector": {"mac": "52-54-00-00-00-0A"}, "metadata": {"name": "n"}}',
    },
    "warning groups/node2.json:1:23 selector: no machine gets this group: node1 has the same selector (mac=52:54:00:00:00:0a), and its id comes first",
  ],
  [
    "two default groups",
    {
      "groups/b.json": '{"profile": "worker", "metadata": {"name": "n", "mac": "m"}}',
      "groups/c.json": '{"profile": "worker", "metadata": {"name": "n", "mac": "m"}}',
    },
    "warning groups/c.json:1:1 selector: no machine gets this group: b has the same selector, and its id comes first",
  ],
  [
    "tied groups",
    {
      "groups/t.json":
        '{"profile": "worker", "selector": {"rack": "1"}, "metadata": {"name": "n", "mac": ""}}',
    },
    "a machine could match this group (rack=1) and node1 (mac=52:54:00:00:00:0a) by as many labels; then t wins, whose selector sorts last",
  ],
  [
    "a template that wants more than the metadata has",
    { "groups/node1.json": '{"profile": "worker", "selector": {"mac": "52:54:00:00:00:0a"}}' },
    'error ignition/w.yaml:3:5: the map has no entry for key "name" (for group node1)',
  ],
  [
    "a config that is not valid for one group",
    { "ignition/w.yaml": `${fcos}storage:\n  files:\n    - path: {{.name}}\n` },
    "storage.files[0].path:",
  ],
  [
    "a cloud-config that is none",
    { "profiles/worker.json": '{"boot": {"kernel": "k"}, "cloud_id": "c"}', "cloud/c": "hello" },
    "error cloud/c: the cloud config c cannot be served",
  ],
  [
    "a private key",
    { "ignition/w.yaml": `${fcos}# -----BEGIN RSA PRIVATE KEY-----\n` },
    "warning ignition/w.yaml:3: a private key is served to whoever asks",
  ],
  [
    "a private key in a data URL",
    {
      "profiles/worker.json": '{"boot": {"kernel": "k"}, "ignition_id": "r.ign"}',
      "ignition/r.ign": `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/k", "contents": {"source": "data:;base64,${Buffer.from("-----BEGIN PRIVATE KEY-----\n").toString("base64")}"}}]}}`,
    },
    "warning ignition/r.ign:1: a private key is served",
  ],
  [
    "a password hash",
    { "ignition/w.yaml": `${fcos}# $6$saltsalt$abcdefghijklmnop/0123456789\n` },
    "warning ignition/w.yaml:3: a password hash is served to whoever asks",
  ],
  [
    "a bootstrap token in metadata",
    {
      "groups/node1.json":
        '{"profile": "worker", "selector": {"mac": "52:54:00:00:00:0a"},\n "metadata": {"name": "n", "join": ["x", "abcdef.0123456789abcdef"]}}',
    },
    "warning groups/node1.json:2:42 metadata.join[1]: a bootstrap token is served to whoever asks",
  ],
  [
    "a newer Ignition spec",
    {
      "ignition/w.yaml":
        "variant: fcos\nversion: 1.6.0\nstorage:\n  luks: [{name: a, device: /dev/b, cex: {enabled: true}}]\n",
    },
    "warning ignition/w.yaml: needs Ignition spec 3.5.0, which Ignition before 2.20 refuses (for group node1)",
  ],
])("%s", async (_, files, said) => {
  expect(await findings({ ...good, ...files })).toContainEqual(expect.stringContaining(said));
});

test("secrets are not printed", async () => {
  const all = await findings({ ...good, "ignition/w.yaml": `${fcos}# abcdef.0123456789abcdef\n` });
  expect(all).toHaveLength(1);
  expect(all.join()).not.toContain("0123456789abcdef");
});

test("what is given for a token alone is not in the open", async () => {
  const lab = (secret: boolean) => ({
    "lab.yaml": `${head}groups: [{id: g, profile: p}]\nprofiles:\n  - {id: p, kernel: k, secret: ${secret}, generic: "-----BEGIN PRIVATE KEY-----\\n"}\n`,
  });
  expect(await findings(lab(true))).toEqual([]);
  expect(await findings(lab(false))).toEqual([
    expect.stringContaining("a private key is served to whoever asks; with secret: true"),
  ]);
});

test("one thing for many groups is said once", async () => {
  const groups = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [
      `groups/g${i}.json`,
      `{"profile": "worker", "selector": {"mac": "52:54:00:00:01:${10 + i}"}}`,
    ]),
  );
  const said = (await findings({ ...good, ...groups })).filter((line) => line.includes("no entry for key"));
  expect(said).toEqual([
    'error ignition/w.yaml:3:5: the map has no entry for key "name" (for group g0, group g1 and 48 others)',
  ]);
});

test("a lab.yaml: networks, machines, and fields by their lines", async () => {
  const said = await findings({
    "lab.yaml": `${head}network:
  address: 10.1.0.1
  subnet: 10.1.0.0/24
  mode: dhcp
  range: 10.1.0.50-10.1.0.60
machines:
  - name: a
    mac: 52:54:00:00:00:01
    address: 10.1.0.55
    profile: p
    metadata: {}
  - {name: b, mac: "52:54:00:00:00:02"}
profiles:
  - id: p
    kernel: /assets/k
    ignition: |
      variant: fcos
      version: 1.5.0
      # {{.port}}
http: {tls: {certificate: no.pem, key: no.key}}
`,
  });
  expect(said.map((line) => line.replace(/no file \/.*\//, "no file …/"))).toEqual([
    "warning lab.yaml:11:5 machines[0].address: 10.1.0.55 lies in the range 10.1.0.50-10.1.0.60, where another machine may hold it before; take one outside",
    "warning lab.yaml:14:5 machines[1]: no group takes b, and there is no default group: it boots nothing",
    "error lab.yaml:17:5 profiles[0].kernel: /assets/k is an asset, and there is no assets directory",
    'error lab.yaml:21: the map has no entry for key "port" (for group a)',
    "error lab.yaml:22:14 http.tls.certificate: there is no file …/no.pem",
    "error lab.yaml:22:35 http.tls.key: there is no file …/no.key",
  ]);
});

test("what cannot be loaded is what is told", async () => {
  expect(await findings({ ...good, "groups/b.json": "{", "groups/a.json": "[" })).toEqual([
    "error groups/a.json:1:2: not JSON: it ends before it is complete",
    "error groups/b.json:1:2: not JSON: it ends before it is complete",
  ]);
});
