import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textKinds } from "../config-text.js";
import type { Snapshot } from "../snapshot.js";
import { head, snapshotOf, TestLab, worker } from "../testing.js";
import type { Conversion } from "./conversion.js";
import { convertInventory } from "./convert.js";
import { toLab } from "./lab.js";
import { toMatchbox } from "./matchbox.js";

const asFiles = ({ files }: Conversion) => Object.fromEntries(files.map(({ path, text }) => [path, text]));

/** What a snapshot says, without where it was written. */
const said = (snapshot: Snapshot) => {
  const plain = <T extends object>(map: ReadonlyMap<string, T>) =>
    [...map.values()]
      .map((value) => ({ ...value, place: undefined }))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    groups: plain(snapshot.groupsById),
    profiles: plain(snapshot.profiles),
    texts: textKinds.map((kind) =>
      [...snapshot[kind].values()].map(({ name, text }) => `${name}\n${text}`).sort(),
    ),
  };
};
const saidByLab = (snapshot: Snapshot) => ({
  ...said(snapshot),
  networks: snapshot.networks,
  dns: snapshot.dns,
  settings: snapshot.settings,
  machines: [...snapshot.machines.byName.values()].map((machine) => ({ ...machine, place: undefined })),
});

// JSON has no -0, and YAML refuses __proto__ as a key.
const json = fc.jsonValue().map((value) =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll("__proto__", "proto")
      .replaceAll(/-0(?![.\d])/g, "0"),
  ),
);
const text = fc.string({
  unit: fc.constantFrom(
    "a",
    "B",
    "0",
    " ",
    ":",
    "#",
    "-",
    "'",
    '"',
    "\\",
    "é",
    "\t",
    "{",
    "*",
    "&",
    "!",
    "%",
    "@",
    "~",
  ),
});
const id = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_. -]{0,12}$/);
const name = fc.stringMatching(/^[a-z]([a-z0-9]{0,8}[a-z0-9])?$/);
const mac = fc.stringMatching(/^52:54:00(:[0-9a-f]{2}){3}$/);
const metadata = fc.dictionary(
  fc.oneof(
    id,
    text.filter((key) => key !== "__proto__"),
  ),
  json,
  { maxKeys: 4 },
);
const config = fc.constantFrom("", "variant: fcos\n", "{{.port}} é\r\n\ttab ", "#cloud-config\n- 'x'");

/** Files in matchbox's layout. */
const matchboxFiles = fc
  .record({
    profiles: fc.uniqueArray(
      fc.record({
        id,
        name: fc.option(text, { nil: undefined }),
        kernel: fc.option(text, { nil: undefined }),
        initrd: fc.array(text, { maxLength: 2 }),
        args: fc.array(text, { maxLength: 3 }),
        ignition: fc.option(config, { nil: undefined }),
        raw: fc.boolean(),
        generic: fc.option(config, { nil: undefined }),
      }),
      { selector: (profile) => profile.id, minLength: 1, maxLength: 4 },
    ),
    groups: fc.uniqueArray(
      fc.record({
        id,
        name: fc.option(text, { nil: undefined }),
        selector: fc.dictionary(id, text, { maxKeys: 3 }),
        mac: fc.option(mac, { nil: undefined }),
        metadata,
      }),
      { selector: (group) => group.id, maxLength: 6 },
    ),
  })
  .map(({ profiles, groups }): Record<string, string> => {
    const raw = '{"ignition": {"version": "3.3.0"}}';
    const files = profiles.flatMap((profile): [string, string][] => {
      const configName = `sub/${profile.id}${profile.raw ? ".ign" : ".yaml"}`;
      return [
        [
          `profiles/${profile.id}.json`,
          JSON.stringify({
            id: profile.id,
            name: profile.name,
            boot: { kernel: profile.kernel, initrd: profile.initrd, args: profile.args },
            ignition_id: profile.ignition === undefined ? undefined : configName,
            generic_id: profile.generic === undefined ? undefined : profile.id,
          }),
        ],
        ...(profile.ignition === undefined
          ? []
          : [[`ignition/${configName}`, profile.raw ? raw : profile.ignition] as [string, string]]),
        ...(profile.generic === undefined
          ? []
          : [[`generic/${profile.id}`, profile.generic] as [string, string]]),
      ];
    });
    return Object.fromEntries([
      ...files,
      ...groups.map((group, i) => [
        `groups/${group.id}.json`,
        JSON.stringify({
          name: group.name,
          profile: profiles[i % profiles.length]!.id,
          selector: { ...group.selector, ...(group.mac ? { mac: group.mac } : {}) },
          metadata: group.metadata,
        }),
      ]),
    ]);
  });

describe("round trips", () => {
  test("matchbox → lab.yaml → matchbox: the same groups, boot profiles and configurations", async () => {
    await fc.assert(
      fc.asyncProperty(matchboxFiles, async (files) => {
        const original = await snapshotOf(files);
        const lab = toLab(original);
        expect(lab.lost).toEqual([]);
        const asLab = await snapshotOf(asFiles(lab));
        expect(said(asLab)).toEqual(said(original));
        const back = toMatchbox(asLab);
        // Names of configurations that are paths become flat; all else is as it was.
        const flat = JSON.parse(JSON.stringify(said(original)).replaceAll("sub/", "sub-"));
        expect(JSON.parse(JSON.stringify(said(await snapshotOf(asFiles(back)))))).toEqual(flat);
        expect(back.lost).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("lab.yaml → lab.yaml: the same networks and machines, too", async () => {
    const machines = fc.uniqueArray(
      fc.record({
        name,
        mac,
        host: fc.integer({ min: 10, max: 200 }),
        labels: fc.dictionary(id, text, { maxKeys: 2 }),
        profile: fc.boolean(),
        metadata,
        quirks: fc.subarray(["no-4011", "snponly"]),
      }),
      { selector: (machine) => machine.name, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(machines, fc.integer({ min: 1, max: 100_000 }), async (all, leaseSeconds) => {
        const form = {
          apiVersion: "slipway.dev/v1alpha1",
          kind: "Lab",
          network: {
            address: "10.1.0.1",
            subnet: "10.1.0.0/24",
            mode: "dhcp",
            range: "10.1.0.201-10.1.0.250",
            leaseTime: `${leaseSeconds}s`,
            options: [{ code: 26, uint16: 1500 }],
          },
          dns: { records: { "boot.lab": "10.1.0.1" } },
          machines: all
            .filter(
              (machine, i) =>
                all.findIndex((other) => other.mac === machine.mac || other.host === machine.host) === i,
            )
            .map(({ host, profile, metadata, ...machine }) => ({
              ...machine,
              address: `10.1.0.${host}`,
              ...(profile ? { profile: "p", metadata } : {}),
            })),
          groups: [{ id: "rest", profile: "p", install: "once" }],
          profiles: [{ id: "p", generic: "inline\n", install: "once", secret: true }],
          approve: "manual",
          http: { events: true, port: 80, tls: { port: 443, certificate: "/c", key: "/k" } },
          tftp: { address: "10.1.0.1" },
          grpc: { certificate: "/c", key: "/k", ca: "/a" },
        };
        // JSON is YAML.
        const original = await snapshotOf({ "lab.yaml": JSON.stringify(form) });
        expect(saidByLab(await snapshotOf(asFiles(toLab(original))))).toEqual(saidByLab(original));
      }),
      { numRuns: 20 },
    );
  });
});

test("what matchbox cannot say is told by its name", async () => {
  const snapshot = await snapshotOf({
    "lab.yaml": `${head}
network: {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: dhcp, range: 10.1.0.50-10.1.0.60}
dns: {records: {boot.lab: 10.1.0.1}, forward: [1.1.1.1]}
machines:
  - {name: a, mac: "52:54:00:00:00:01", address: 10.1.0.10, labels: {role: x}, quirks: [snponly], profile: p}
  - {name: b, mac: "52:54:00:00:00:02"}
profiles: [{id: p, generic: configs/a b.txt, secret: true}]
http: {port: 8080}
assets: /srv/assets
`,
    "configs/a b.txt": "text",
  });
  const { files, lost } = toMatchbox(snapshot);
  expect(files.map(({ path }) => path)).toEqual([
    "groups/a.json",
    "profiles/p.json",
    "generic/configs-a b.txt",
  ]);
  expect(lost).toEqual([
    "the network 10.1.0.0/24 (mode dhcp)",
    "the DNS name boot.lab",
    "the DNS server 1.1.1.1 that questions are forwarded to",
    "the address 10.1.0.10 of a",
    "the label role=x of a",
    "the quirk snponly of a",
    "the machine b (52:54:00:00:00:02)",
    "secret of the boot profile p: matchbox serves its configurations to whoever asks",
    "who approves machines: with matchbox all of them boot",
    "the settings of http: they are matchbox's flags",
    "the assets: copy or link /srv/assets",
  ]);
});

test("names that lead nowhere are told, and left out of a lab.yaml", async () => {
  const { lost } = toLab(
    await snapshotOf({
      ...worker,
      "groups/x.json": '{"profile": "no"}',
      "profiles/y.json": '{"cloud_id": "z"}',
    }),
  );
  expect(lost).toEqual([
    "the group x: there is no boot profile no",
    "the name z in the boot profile y: there is no such file in cloud/",
  ]);
});

test("files are written only where none are", async () => {
  await using lab = await TestLab.create(worker);
  await expect(convertInventory(lab.directory, "lab", lab.directory)).rejects.toThrow(
    "the directory is not empty",
  );
  const output = `${lab.directory}/out`;
  const { files } = await convertInventory(lab.directory, "lab", output);
  expect(files).toEqual(["lab.yaml", "ignition/worker.yaml"]);
  await expect(convertInventory(lab.directory, "matchbox", output)).rejects.toThrow(
    "the directory is not empty",
  );
});
