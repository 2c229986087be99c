import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { textToBytes } from "../template/byte-text.js";
import { selectGroup } from "./select.js";
import { machineLabels } from "./snapshot.js";
import { complaints, head, snapshotOf, TestLab, worker } from "./testing.js";

describe("matchbox's layout", () => {
  test("is read as it is", async () => {
    const snapshot = await snapshotOf(worker);
    const group = selectGroup(snapshot.groups, { mac: "52:54:00:b2:2f:86" });
    expect(group).toMatchObject({ id: "node1", name: "Worker Node", profile: "worker" });
    expect(group?.metadata).toEqual({ domain_name: "node1.example.com", keys: ["ssh-rsa A"], port: 8080 });
    expect(snapshot.profiles.get("worker")).toMatchObject({
      boot: { kernel: "/assets/vmlinuz", initrd: ["/assets/initrd.gz"], args: ["console=ttyS0"] },
      ignitionId: "worker.yaml",
    });
    expect(snapshot.ignition.get("worker.yaml")?.text).toBe("variant: fcos\nversion: 1.5.0\n");
    expect(snapshot.assets).toBeUndefined();
  });

  test("ids are the files' names, also in folders; the ids inside say nothing", async () => {
    const snapshot = await snapshotOf({
      "groups/a.json": '{"id": "b", "profile": "sub/p"}',
      "profiles/sub/p.json": '{"ID": "x", "Boot": {"Kernel": "k"}, "ignition_id": "sub/c.ign"}',
      "ignition/sub/c.ign": '{"ignition": {"version": "3.4.0"}}',
      "assets/x": "",
    });
    expect([...snapshot.groupsById.keys()]).toEqual(["a"]);
    expect(snapshot.profiles.get("sub/p")?.boot.kernel).toBe("k");
    expect(snapshot.ignition.get("sub/c.ign")?.config?.ignition.version).toBe("3.4.0");
    expect(snapshot.assets).toMatch(/\/assets$/);
  });

  test.each([
    [
      "groups/g.json",
      '{"profile": "p",\n "selector": {',
      "error groups/g.json:2:15: not JSON: it ends before it is complete",
    ],
    [
      "groups/g.json",
      '{"profile": "p",\n\t"selector": {"mac": "52:54"}}',
      'error groups/g.json:2:15 selector.mac: "52:54" is not a MAC address',
    ],
    [
      "groups/g.json",
      '{\n  "selector": {"rack": 1}, "profile": "p"}',
      'error groups/g.json:2:16 selector.rack: 1 is not a text; write it in quotes, as "1"',
    ],
    ["groups/g.json", '{"id": "g"}', "error groups/g.json:1:1 profile: is missing"],
    ["groups/g.json", '{"profile": ""}', "error groups/g.json:1:2 profile: is empty; name a boot profile"],
    ["groups/g.json", '{"profile": "p", "metadata": [1]}', "error groups/g.json:1:18 metadata: is not a map"],
    [
      "groups/g.json",
      '{"profile": "p", "selectors": {}}',
      "warning groups/g.json:1:18 selectors: there is no such field, did you mean selector?",
    ],
    [
      "groups/g.json",
      '{"id": "h", "profile": "p"}',
      'warning groups/g.json:1:2 id: "h" is not what the file is called: it is looked up as "g"',
    ],
    [
      "groups/g.json",
      '{"profile": "p", "metadata": {"a": 1, "a": 2}}',
      'warning groups/g.json:1:39: the key "a" is here a second time; only the last one counts',
    ],
    [
      "groups/g.json",
      '{"profile": "workr"}',
      "warning groups/g.json profile: there is no boot profile workr, did you mean worker?",
    ],
    ["groups/g.json", "", "error groups/g.json:1:1: the file is empty"],
    ["groups/README.md", "", "warning groups/README.md: is not read: only files that end in .json are"],
    ["groups/sub/g.json", "", "warning groups/sub: groups in folders are not read; move them up"],
    [
      "profiles/p.json",
      '{"boot": {"initrd": "x"}}',
      'error profiles/p.json:1:11 boot.initrd: "x" is not a list',
    ],
    [
      "profiles/p.json",
      '{"boot": {"cmdline": {}}}',
      "warning profiles/p.json:1:11 boot.cmdline: there is no such field; there are kernel, initrd, args",
    ],
    [
      "profiles/p.json",
      '{"ignition_id": "c"}',
      "warning profiles/p.json ignition_id: there is no file in ignition/ called c",
    ],
    [
      "ignition/c.ign",
      '{"ignition": {"version": "2.2.0"}}',
      'error ignition/c.ign:1:26 ignition.version: unsupported spec version "2.2.0": 3.0.0 to 3.5.0 are known',
    ],
    ["ignition/c.ign", "{", "error ignition/c.ign:1:2"],
    ["ignition/c.yaml", "a:\n  {{if}}", "error ignition/c.yaml:2:"],
    ["generic/x", "{{.a", "error generic/x:1:"],
    [
      "lab.yaml",
      `${head}profiles:\n  - id: a\n    generic: |\n      one\n      {{end}}\n`,
      "error lab.yaml:7: unexpected",
    ],
  ])("%s: %s", async (path, contents, said) => {
    const all = await complaints({ "profiles/p.json": "{}", "profiles/worker.json": "{}", [path]: contents });
    expect(all).toContainEqual(expect.stringContaining(said));
  });

  test("what editors leave is no file of it", async () => {
    expect(
      await complaints({ ...worker, "groups/.node1.json.swp": "x", "ignition/worker.yaml~": "{{" }),
    ).toEqual([]);
  });

  test("bytes that are not text", async () => {
    await using lab = await TestLab.create(worker);
    await lab.write({ "generic/b": "" });
    await writeFile(`${lab.directory}/generic/b`, Buffer.from([0xff, 0x61]));
    const { snapshot } = await lab.load();
    expect(textToBytes(snapshot!.generic.get("b")!.text)).toEqual(Buffer.from([0xff, 0x61]));
    await writeFile(`${lab.directory}/groups/b.json`, Buffer.from([0xff, 0xfe]));
    expect((await lab.load()).problems).toMatchObject([{ message: "it is not text in UTF-8" }]);
  });

  test("a matchbox directory that its API has not filled yet", async () => {
    await using lab = await TestLab.create();
    await mkdir(`${lab.directory}/groups`);
    expect(await lab.load()).toMatchObject({ problems: [], snapshot: { profiles: new Map() } });
  });

  test("an empty directory, and none", async () => {
    expect(await complaints({})).toEqual([
      "error .: holds neither lab.yaml nor groups/, profiles/, ignition/, cloud/, generic/",
    ]);
    await using lab = await TestLab.create();
    await lab.remove(".");
    await expect(lab.load()).rejects.toThrow("there is no such directory");
  });
});

const lab = `${head}
network:
  interface: br0
  address: 10.88.0.1
  subnet: 10.88.0.0/24
  mode: dhcp
  range: 10.88.0.50 - 10.88.0.99
  router: 10.88.0.254
  domain: lab.example
  leaseTime: 12h
  options:
    - {code: 26, uint16: 1500}
    - {code: 119, hex: "036c6162 00"}
dns:
  records: {boot.lab: 10.88.0.1, www: [10.88.0.2, 10.88.0.3]}
  forward: ["1.1.1.1:53"]
machines:
  - name: node1
    mac: 52-54-00-B2-2F-86
    address: 10.88.0.10
    labels: {role: worker}
    quirks: [snponly]
    profile: worker
    metadata: {port: 1000000}
  - {name: node2, mac: 52:54:00:b2:2f:87}
groups:
  - {id: rest, profile: rescue}
profiles:
  - id: worker
    kernel: /assets/vmlinuz
    initrd: [/assets/initrd.gz]
    ignition: ignition/worker.yaml
    generic: notes/a.txt
  - id: rescue
    ignition: |
      {"ignition": {"version": "3.4.0"}}
    cloud: |
      #cloud-config
http: {port: 8080, url: "http://boot.lab:8080"}
grpc: {certificate: pki/tls.crt, key: pki/tls.key, ca: /etc/ca.crt}
`;
const labFiles = {
  "lab.yaml": lab,
  "ignition/worker.yaml": "variant: fcos\nversion: 1.5.0\n",
  "notes/a.txt": "{{.port}}",
};

describe("lab.yaml", () => {
  test("says the same, and the network", async () => {
    const snapshot = await snapshotOf(labFiles);
    expect(snapshot.networks).toEqual([
      {
        interface: "br0",
        address: "10.88.0.1",
        subnet: "10.88.0.0/24",
        mode: "dhcp",
        range: { first: "10.88.0.50", last: "10.88.0.99" },
        router: "10.88.0.254",
        dns: ["10.88.0.1"],
        ntp: [],
        domain: "lab.example",
        leaseSeconds: 43_200,
        options: [
          { code: 26, value: Uint8Array.of(0x05, 0xdc) },
          { code: 119, value: Uint8Array.of(3, 0x6c, 0x61, 0x62, 0) },
        ],
      },
    ]);
    expect(snapshot.dns).toEqual({
      records: [
        { name: "boot.lab", addresses: ["10.88.0.1"] },
        { name: "www", addresses: ["10.88.0.2", "10.88.0.3"] },
      ],
      forward: ["1.1.1.1:53"],
    });
    const node1 = snapshot.machines.byMac.get("52:54:00:b2:2f:86");
    expect(node1).toMatchObject({ name: "node1", address: "10.88.0.10", quirks: ["snponly"] });
    expect(node1?.place).toEqual({ file: "lab.yaml", line: 20, column: 5 });
    expect(snapshot.machines.byAddress.get("10.88.0.10")).toBe(node1);
    expect(machineLabels(snapshot, { mac: "52:54:00:b2:2f:86", role: "x" })).toMatchObject({
      role: "worker",
    });
    expect(selectGroup(snapshot.groups, { mac: "52:54:00:b2:2f:86" })).toMatchObject({
      id: "node1",
      metadata: { port: 1_000_000 },
    });
    expect(selectGroup(snapshot.groups, { mac: "52:54:00:b2:2f:87" })?.id).toBe("rest");
    expect(snapshot.profiles.get("worker")).toMatchObject({
      ignitionId: "worker.yaml",
      genericId: "notes/a.txt",
    });
    expect(snapshot.generic.get("notes/a.txt")?.text).toBe("{{.port}}");
    expect(snapshot.profiles.get("rescue")).toMatchObject({ ignitionId: "rescue.ign", cloudId: "rescue" });
    expect(snapshot.ignition.get("rescue.ign")?.config?.ignition.version).toBe("3.4.0");
    expect(snapshot.cloud.get("rescue")?.text).toBe("#cloud-config\n");
    expect(snapshot.settings.http).toEqual({ port: 8080, url: "http://boot.lab:8080" });
    expect(snapshot.settings.grpc?.certificate).toMatch(/^\/.*\/pki\/tls\.crt$/);
    expect(snapshot.settings.grpc?.ca).toBe("/etc/ca.crt");
  });

  test("stands alone, or beside matchbox's layout", async () => {
    const both = await snapshotOf({
      ...labFiles,
      "groups/other.json": '{"profile": "rescue", "selector": {"a": "b"}}',
    });
    expect([...both.groupsById.keys()].sort()).toEqual(["node1", "other", "rest"]);
    expect(await complaints({ ...labFiles, "groups/rest.json": '{"profile": "rescue"}' })).toEqual([
      "error lab.yaml:29:5: the group rest is in groups/rest.json as well",
    ]);
    await using directory = await TestLab.create({ ...labFiles, "groups/broken.json": "{" });
    const { loadSnapshot } = await import("./load.js");
    expect((await loadSnapshot(`${directory.directory}/lab.yaml`)).problems).toEqual([]);
  });

  test("the digest changes with what is read, and only then", async () => {
    const digest = async (files: Record<string, string>) => (await snapshotOf(files)).digest;
    expect(await digest(labFiles)).toBe(await digest({ ...labFiles, "unread/x": "y" }));
    expect(await digest(labFiles)).not.toBe(await digest({ ...labFiles, "notes/a.txt": "other" }));
  });
});
