import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadSnapshot } from "../../../src/netboot/inventory/load.js";
import { inventoryProblemText } from "../../../src/netboot/inventory/problem.js";
import type { Snapshot } from "../../../src/netboot/inventory/snapshot.js";
import { bootIpxe } from "../../../src/netboot/render/boot-scripts.js";
import { type DocumentKind, renderDocument } from "../../../src/netboot/render/documents.js";
import { labelsOf } from "../../../src/netboot/render/labels.js";
import { type Answer, firstBuildMs, RealMatchbox } from "./real-matchbox.js";

let matchbox: RealMatchbox;
let snapshot: Snapshot;

const values = ["a", "b", "", "1,2=3"];
const macs = ["52:54:00:00:00:01", "52:54:00:00:00:02"];

/** Groups over the same few labels: many machines match several, by as many labels, some only by an empty value. */
const groups = [
  { id: "default", profile: "plain", metadata: { where: "default" } },
  ...values.flatMap((os, i) => [
    { id: `os-${i}`, profile: "all", selector: { os }, metadata: { where: `os ${os}`, n: i } },
    {
      id: `os-region-${i}`,
      profile: "all",
      selector: { os, region: "eu" },
      metadata: { where: `os ${os} eu` },
    },
    { id: `case-${i}`, profile: "all", selector: { OS: os, x: "y" }, metadata: { os: "mine", OS: "kept" } },
  ]),
  ...macs.map((mac, i) => ({
    id: `mac-${i}`,
    profile: "all",
    selector: { mac },
    metadata: { where: mac, mac: "x" },
  })),
  { id: "upper", profile: "all", selector: { mac: "52-54-00-AB-CD-EF" } },
  { id: "ghost", profile: "ghost", selector: { os: "ghost" } },
  { id: "empty", profile: "empty", selector: { os: "empty" } },
  { id: "dangling", profile: "dangling", selector: { os: "dangling" } },
  { id: "bad", profile: "bad", selector: { os: "bad" } },
  {
    id: "raw",
    profile: "raw",
    selector: { os: "raw" },
    metadata: { request: "overlaid", nested: { a: { b: 1 }, l: [1] } },
  },
];

const profiles = [
  { id: "plain", boot: { kernel: "/k", initrd: [], args: [] } },
  {
    id: "all",
    boot: {
      kernel: "http://x/vmlinuz?a={{.b}}",
      initrd: ["/one.cpio", "--name two /two.cpio"],
      args: ["console=ttyS0", "ignition.config.url=http://x/ignition?mac=$mac", 'quoted="a b"'],
    },
    ignition_id: "node.yaml",
    cloud_id: "node.cloud",
    generic_id: "node.txt",
  },
  { id: "empty", ignition_id: "", generic_id: "" },
  { id: "dangling", boot: { kernel: "k" }, ignition_id: "no.ign", cloud_id: "no", generic_id: "no" },
  { id: "bad", boot: { kernel: "k" }, ignition_id: "bad.yaml", cloud_id: "bad.cloud", generic_id: "bad.txt" },
  {
    id: "raw",
    boot: { kernel: "k", initrd: ["i"] },
    ignition_id: "raw.ign",
    cloud_id: "script",
    generic_id: "page",
  },
];

const files: Record<string, string> = {
  ...Object.fromEntries(groups.map((group) => [`groups/${group.id}.json`, JSON.stringify(group)])),
  ...Object.fromEntries(profiles.map((profile) => [`profiles/${profile.id}.json`, JSON.stringify(profile)])),
  "ignition/node.yaml": [
    "variant: fcos",
    "version: 1.5.0",
    "storage:",
    "  files:",
    "    - path: /etc/where",
    "      mode: 0644",
    '      contents: {inline: {{printf "%q" (print .request.query)}}}',
    "systemd:",
    "  units:",
    "    - name: a.service",
    "      enabled: true",
    '      contents: "[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"',
    "passwd:",
    "  users:",
    "    - name: core",
    '      ssh_authorized_keys: [{{with .request.query.key}}{{printf "%q" .}}{{end}}]',
  ].join("\n"),
  "ignition/bad.yaml": "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: relative}]}\n",
  "ignition/raw.ign": JSON.stringify({
    ignition: { version: "3.1.0", config: { merge: [{ source: "http://x/y" }] }, timeouts: { httpTotal: 5 } },
    storage: {
      files: [{ path: "/{{.not}}", mode: 420, contents: { source: "data:,%3C&%3E" }, user: { id: 5 } }],
      links: [{ path: "/l", target: "/t", hard: false }],
    },
    systemd: {
      units: [{ name: "b.service", mask: true, dropins: [{ name: "x.conf", contents: "[Unit]\n" }] }],
    },
  }),
  "cloud/node.cloud":
    '#cloud-config\nhostname: "{{.where}}"\nwrite_files: [{path: /x, content: "{{.request.raw_query}}"}]\n',
  "cloud/bad.cloud": "#!no\n{{.absent}}",
  "cloud/script": "#!/bin/sh\necho {{.request.query.os}}\n",
  "generic/node.txt": "{{.}}\n{{range $k, $v := .}}{{$k}}={{$v}}\n{{end}}",
  "generic/bad.txt": "{{.os.x}}",
  "generic/page": "<!DOCTYPE html><p>{{.os}}</p>\n",
};

beforeAll(async () => {
  matchbox = await RealMatchbox.start();
  await matchbox.write(files);
  const loaded = await loadSnapshot(matchbox.directory);
  if (!loaded.snapshot) throw new Error(loaded.problems.map(inventoryProblemText).join("\n"));
  snapshot = loaded.snapshot;
}, firstBuildMs);

afterAll(async () => {
  await matchbox?.[Symbol.asyncDispose]();
});

/** What can be compared: Ignition configs by their meaning, as key order and empty sections have none; metadata sorted. */
function comparable(kind: DocumentKind, { status, contentType, body }: Answer): unknown {
  if (status !== 200) return "refused";
  const text = body.toString("latin1");
  if (kind === "ignition") return { contentType, config: withoutEmpty(JSON.parse(body.toString())) };
  return { contentType, text: kind === "metadata" ? text.split("\n").sort().join("\n") : text };
}

function ours(kind: DocumentKind, rawQuery: string): Answer {
  const answer = renderDocument(kind, { labels: labelsOf(rawQuery), rawQuery }, snapshot);
  return answer.status === 200 ? answer : { status: 404, contentType: null, body: Buffer.from("") };
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, withoutEmpty(child)] as const);
  return Object.fromEntries(
    entries.filter(
      ([, child]) => typeof child !== "object" || child === null || Object.keys(child).length > 0,
    ),
  );
}

const kinds = ["ipxe", "grub", "ignition", "cloud", "generic", "metadata"] as const;

const queries = [
  "",
  "os=a",
  "os=a&region=eu",
  "os=a&region=eu&x=y&OS=b",
  "os=&region=eu",
  "region=eu",
  "os=1,2%3D3",
  "os=1%2C2%3d3&key=ssh-ed25519+AAAA",
  "mac=52-54-00-00-00-01&os=a",
  "mac=5254.0000.0002&mac=52-54-00-00-00-01",
  "mac=nonsense&os=a",
  "MAC=52:54:00:00:00:01",
  "mac=52:54:00:ab:cd:ef&os=b",
  "os=a&os=b",
  "os=ghost",
  "os=empty",
  "os=dangling",
  "os=bad",
  "os=raw",
  "os=raw&a=1;b=2&c=%zz&%zz=c&d&=e&f=%ff%00",
  "os=a&utf=%C3%A9&plus=a+b&pct=%2B&e=1=2",
  "?os=a",
  "os=a&&region=eu&",
  "%6fs=a",
];

describe.each(kinds)("/%s", (kind) => {
  test.each(queries)("?%s", async (query) => {
    expect(comparable(kind, ours(kind, query))).toEqual(
      comparable(kind, await matchbox.get(`/${kind}?${query}`)),
    );
  });
});

test("/boot.ipxe", async () => {
  expect((await matchbox.get("/boot.ipxe")).body.toString()).toBe(bootIpxe);
  expect((await matchbox.get("/boot.ipxe.0")).body.toString()).toBe(bootIpxe);
});

test("machines with generated labels get what matchbox gives them", async () => {
  const label = fc.tuple(
    fc.constantFrom("os", "OS", "region", "x", "mac", "MAC", "key"),
    fc.oneof(
      fc.constantFrom(...values, "eu", "y", ...macs, "52-54-00-AB-CD-EF"),
      fc.string({ maxLength: 4 }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(label, { maxLength: 5 }), fc.constantFrom(...kinds), async (labels, kind) => {
      const query = new URLSearchParams(labels).toString();
      expect(comparable(kind, ours(kind, query))).toEqual(
        comparable(kind, await matchbox.get(`/${kind}?${query}`)),
      );
    }),
    { numRuns: 600 },
  );
});

test("where matchbox gives an empty config for one that it does not know, we refuse", async () => {
  const config = {
    ignition: { version: "3.5.0" },
    storage: { luks: [{ name: "a", device: "/dev/x", cex: { enabled: true } }] },
  };
  await matchbox.write({
    "groups/new.json": JSON.stringify({ id: "new", profile: "new", selector: { os: "new" } }),
    "profiles/new.json": JSON.stringify({ id: "new", ignition_id: "new.ign" }),
    "ignition/new.ign": JSON.stringify(config),
  });
  const theirs = await matchbox.get("/ignition?os=new");
  expect(theirs.status).toBe(200);
  expect(JSON.parse(theirs.body.toString()).ignition.version).toBe("");
  const { snapshot: changed } = await loadSnapshot(matchbox.directory);
  const answer = (minor: number) =>
    renderDocument(
      "ignition",
      {
        labels: { os: "new" },
        rawQuery: "os=new",
        accept: `application/vnd.coreos.ignition+json;version=3.${minor}.0, */*;q=0.1`,
      },
      changed!,
    );
  expect(answer(4)).toMatchObject({
    status: 404,
    reason: "the config needs Ignition spec 3.5; the client reads specs up to 3.4",
  });
  const known = answer(5);
  expect(known.status === 200 && JSON.parse(known.body.toString())).toEqual(config);
});
