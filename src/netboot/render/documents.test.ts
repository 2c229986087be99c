import { expect, test } from "vitest";
import type { Decision } from "../decision.js";
import type { Snapshot } from "../inventory/snapshot.js";
import { snapshotOf } from "../inventory/testing.js";
import { bootIpxe } from "./boot-scripts.js";
import { type DocumentKind, renderDocument } from "./documents.js";
import { labelsOf } from "./labels.js";

const json = (value: unknown) => JSON.stringify(value);

const files = {
  "groups/node1.json": json({
    id: "node1",
    profile: "worker",
    selector: { mac: "52:54:00:00:00:01", Role: "db" },
    metadata: { name: "node1", n: 1e6, ok: true, none: null, list: [1], nested: { b: "x", a: 1.5 } },
  }),
  "groups/default.json": json({ id: "default", profile: "installer" }),
  "groups/lost.json": json({ id: "lost", profile: "gone", selector: { os: "lost" } }),
  "groups/raw.json": json({ id: "raw", profile: "raw", selector: { os: "raw" } }),
  "groups/new.json": json({ id: "new", profile: "new", selector: { os: "new" } }),
  "profiles/worker.json": json({
    id: "worker",
    boot: { kernel: "/assets/vmlinuz", initrd: ["/assets/a", "/assets/b"], args: ["x=1", "y"] },
    ignition_id: "worker.yaml",
    cloud_id: "worker.cloud",
    generic_id: "worker.txt",
  }),
  "profiles/installer.json": json({ id: "installer", boot: { kernel: "k", initrd: [], args: [] } }),
  "profiles/raw.json": json({ id: "raw", ignition_id: "raw.ign" }),
  "profiles/new.json": json({ id: "new", ignition_id: "new.yaml" }),
  "ignition/worker.yaml":
    "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/{{.name}}\n      contents: {inline: '{{.request.query.mac}}'}\n",
  "ignition/raw.ign": json({ ignition: { version: "3.2.0" }, storage: { files: [{ path: "/{{.a}}" }] } }),
  "ignition/new.yaml":
    "variant: fcos\nversion: 1.6.0\nstorage:\n  luks:\n    - name: data\n      device: /dev/sdb\n      clevis: {tpm2: true}\n      cex: {enabled: false}\n{{if .request.query.bad}}bad: [{{end}}\n",
  "cloud/worker.cloud": "{{.request.query.head}}\nhostname: {{.name}}\n",
  "generic/worker.txt": "{{.name}} {{.role}} {{.request.raw_query}}\n",
};

let snapshot: Snapshot;
const get = async (kind: DocumentKind, rawQuery: string, accept?: string, decide?: (d: Decision) => void) => {
  snapshot ??= await snapshotOf(files);
  const result = renderDocument(kind, { labels: labelsOf(rawQuery), rawQuery, accept }, snapshot, { decide });
  return result.status === 200
    ? { type: result.contentType, body: result.body.toString() }
    : { reason: result.reason };
};
const node1 = "mac=52-54-00-00-00-01&Role=db";

test("the scripts are matchbox's", async () => {
  expect(await get("ipxe", node1)).toEqual({
    type: "text/plain; charset=utf-8",
    body: "#!ipxe\nkernel /assets/vmlinuz x=1 y\ninitrd /assets/a\ninitrd /assets/b\nboot\n",
  });
  expect((await get("ipxe", "")).body).toBe("#!ipxe\nkernel k\nboot\n");
  expect((await get("grub", node1)).body).toContain('linuxefi "/assets/vmlinuz" x=1 y\n');
  expect((await get("grub", node1)).body).toContain('initrd  "/assets/a" "/assets/b"\n');
  expect(bootIpxe).toMatch(/^#!ipxe\nchain ipxe\?uuid=\$\{uuid\}/);
});

test("metadata is an environment file, in order", async () => {
  expect(await get("metadata", `${node1}&x=a+b`)).toEqual({
    type: "plain/text",
    body: [
      "MAC=52:54:00:00:00:01",
      "N=1e+06",
      "NAME=node1",
      "NESTED_A=1.5",
      "NESTED_B=x",
      "OK=true",
      "REQUEST_QUERY_ROLE=db",
      "REQUEST_QUERY_MAC=52:54:00:00:00:01",
      "REQUEST_QUERY_X=a b",
      "REQUEST_RAW_QUERY=mac=52-54-00-00-00-01&Role=db&x=a+b",
      "ROLE=db",
      "",
    ].join("\n"),
  });
});

test("generic and cloud configs", async () => {
  expect((await get("generic", node1)).body).toBe(`node1 db ${node1}\n`);
  expect((await get("cloud", `${node1}&head=%23cloud-config`)).body).toBe("#cloud-config\nhostname: node1\n");
  expect((await get("cloud", `${node1}&head=%23!/bin/sh`)).body).toBe("#!/bin/sh\nhostname: node1\n");
  expect((await get("cloud", `${node1}&head=x`)).reason).toMatch(/neither with #cloud-config nor with #!/);
  expect((await get("cloud", `${node1}&head=%23cloud-config%0Aa: [`)).reason).toMatch(/not YAML/);
  expect((await get("cloud", node1)).reason).toMatch(
    /^the cloud config worker.cloud cannot be rendered: cloud\/worker.cloud:1:3: the map has no entry for key "head"$/,
  );
});

test("Ignition is said in a spec that the client reads", async () => {
  const version = async (query: string, accept?: string) => {
    const { body, reason } = await get("ignition", query, accept);
    return reason ?? JSON.parse(body!).ignition.version;
  };
  const accept = (minor: string) => `application/vnd.coreos.ignition+json;version=${minor}, */*;q=0.1`;
  expect(await version(node1)).toBe("3.4.0");
  expect(await version(node1, accept("3.5.0"))).toBe("3.5.0");
  expect(await version(node1, accept("3.9.0-experimental"))).toBe("3.5.0");
  expect(await version(node1, accept("3.0.0"))).toBe("3.0.0");
  expect(await version("os=raw")).toBe("3.4.0");
  expect(await version(node1, accept("2.4.0"))).toMatch(/no Ignition config of spec 3/);
  expect((await get("ignition", "os=raw")).body).toContain("/{{.a}}");
});

test("a config that is newer than the client, or bad, is an error, never an empty config", async () => {
  const query = "os=new&bad=";
  const old = await get("ignition", query, "application/vnd.coreos.ignition+json;version=3.4.0");
  expect(old.reason).toMatch(/the config needs Ignition spec 3.5; the client reads specs up to 3.4/);
  expect(JSON.parse((await get("ignition", query)).body!).ignition.version).toBe("3.5.0");
  expect((await get("ignition", "os=new&bad=1")).reason).toMatch(
    /ignition\/new.yaml does not become a valid Ignition config: ignition\/new.yaml \(rendered\):\d+:\d+: /,
  );
});

test("why there is nothing", async () => {
  expect((await get("generic", "")).reason).toBe("boot profile installer has no generic config");
  expect((await get("ipxe", "os=lost")).reason).toMatch(/names the boot profile gone, which does not exist/);
  expect((await get("ipxe", "os=raw")).reason).toBe("boot profile raw has no kernel to boot");
});

test("a render tells why", async () => {
  const told: string[] = [];
  await get("ignition", node1, undefined, ({ about, chosen, because }) =>
    told.push(`${about}: ${chosen}, ${because}`),
  );
  expect(told).toEqual([
    "group: node1, all of its selector matches: Role=db,mac=52:54:00:00:00:01",
    "boot profile: worker, group node1 names it",
    "ignition config: worker.yaml, boot profile worker names worker.yaml",
    "Ignition spec: 3.4, the client says nothing of specs",
  ]);
});

test("labels are read as matchbox reads them", () => {
  const told: string[] = [];
  const labels = labelsOf(
    "a=1&a=2&MAC=5254.0000.0001&mac=nonsense&b&=x&c=%zz&d;e=1&f=%C3%A9&g=a%2Bb+c&&mac=52-54-00-00-00-01&__proto__=p",
    ({ because }) => told.push(because),
  );
  expect(Object.entries(labels)).toEqual([
    ["a", "1"],
    ["MAC", "52:54:00:00:00:01"],
    ["b", ""],
    ["", "x"],
    ["f", "é"],
    ["g", "a+b c"],
    ["__proto__", "p"],
  ]);
  expect(told).toEqual(['"nonsense" is no MAC address: the label is dropped']);
  expect(labelsOf("mac=00:11:22:33:44:55:66:77").mac).toBe("00:11:22:33:44:55:66:77");
});

test("a Container Linux Config from before Butane becomes Ignition 3.4, with warnings", async () => {
  const old = await snapshotOf({
    "groups/node1.json": json({
      id: "node1",
      profile: "worker",
      metadata: { domain_name: "node1.example.com" },
    }),
    "profiles/worker.json": json({ id: "worker", ignition_id: "worker.yaml" }),
    "ignition/worker.yaml": [
      "---",
      "systemd:",
      "  units:",
      "    - name: docker.service",
      "      enable: true",
      "    - name: locksmithd.service",
      "      mask: true",
      "    - name: wait-for-dns.service",
      "      enable: true",
      "      contents: |",
      "        [Unit]",
      "        Description=Wait for the DNS of {{.domain_name}}",
      "        [Service]",
      "        ExecStart=/bin/sh -c 'while ! /usr/bin/grep '^[^#[:space:]]' /etc/resolv.conf; do sleep 1; done'",
      "        [Install]",
      "        RequiredBy=kubelet.service",
    ].join("\n"),
  });
  const document = renderDocument("ignition", { labels: {}, rawQuery: "" }, old);
  if (document.status !== 200) throw new Error(document.reason);
  const config = JSON.parse(document.body.toString());
  expect(config.ignition.version).toBe("3.4.0");
  expect(config.systemd.units).toEqual([
    { name: "docker.service", enabled: true },
    { name: "locksmithd.service", mask: true },
    expect.objectContaining({
      name: "wait-for-dns.service",
      enabled: true,
      contents: expect.stringContaining("DNS of node1.example.com\n"),
    }),
  ]);
  expect(document.problems.map(({ severity }) => severity)).toContain("warning");
});
