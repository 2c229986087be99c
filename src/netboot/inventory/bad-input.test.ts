import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf } from "../../spec/testing.js";
import { jsonPlace, readJson, repeatedKeys } from "./json-place.js";
import { parseLab } from "./lab.js";
import { labJsonSchema } from "./lab-json-schema.js";
import { parseGroup, parseProfile } from "./matchbox-files.js";
import { inventoryProblemText } from "./problem.js";
import { head } from "./testing.js";

const complaints = (text: string) => parseLab(text, "lab.yaml", "/lab").problems.map(inventoryProblemText);

const network = "network: {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: dhcp";
const machine = (fields: string) =>
  `${network}}\nmachines:\n- {name: a, mac: "52:54:00:00:00:01", ${fields}}`;
const option = (fields: string) => `${network}, options: [{${fields}}]}`;
const profile = (fields: string) => `profiles:\n- {id: p, ${fields}}`;

// Each row: the field, what is written after apiVersion and kind (line 3 on), what is said.
const rows: [field: string, yaml: string, said: string][] = [
  ["network", "network: br0", '3:1 network: "br0" is not a map'],
  [
    "network",
    `${network}}\nnetworks: []`,
    "3:1 network: is written beside networks; write all of them in networks",
  ],
  ["network.interface", `${network}, interface: a-name-that-is-too-long}`, "network.interface: "],
  [
    "network.address",
    "network: {address: 10.1.0, subnet: 10.1.0.0/24, mode: dhcp}",
    '3:11 network.address: "10.1.0" is not an IP address',
  ],
  [
    "network.address",
    "network: {address: 10.2.0.1, subnet: 10.1.0.0/24, mode: dhcp}",
    "3:11 network.address: 10.2.0.1 is not in the subnet 10.1.0.0/24",
  ],
  [
    "network.address",
    "network: {address: 'fd00::1', subnet: 10.1.0.0/24, mode: dhcp}",
    '"fd00::1" is IPv6; machines boot over IPv4',
  ],
  [
    "network.address",
    "network: {address: 10.1.0.255, subnet: 10.1.0.0/24, mode: dhcp}",
    "10.1.0.255 is the subnet's broadcast address, not a machine's",
  ],
  [
    "network.subnet",
    "network: {address: 10.1.0.1, subnet: 10.1.0.1/24, mode: dhcp}",
    "its network is 10.1.0.0/24",
  ],
  [
    "network.subnet",
    "network: {address: 10.1.0.1, subnet: 10.1.0.1/32, mode: dhcp}",
    "has no room for machines",
  ],
  [
    "network.mode",
    "network: {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: prox}",
    '"prox" is not possible here, did you mean proxy?',
  ],
  [
    "network.range",
    `${network}, range: 10.1.0.9}`,
    '"10.1.0.9" is not a range; write its first and last address',
  ],
  [
    "network.range",
    `${network}, range: 10.1.0.9-10.1.0.2}`,
    '"10.1.0.9-10.1.0.2" ends before it begins; write 10.1.0.2-10.1.0.9',
  ],
  ["network.range", `${network}, range: 10.1.0.9-10.1.1.9}`, "10.1.1.9 is not in the subnet 10.1.0.0/24"],
  [
    "network.range",
    `${network}, range: 10.1.0.1-10.1.0.9}`,
    "10.1.0.1-10.1.0.9 holds this server's own address, 10.1.0.1; leave it out",
  ],
  [
    "network.router",
    `${network}, router: 10.9.0.1}`,
    "3:63 network.router: 10.9.0.1 is not in the subnet 10.1.0.0/24",
  ],
  ["network.dns", `${network}, dns: 1.1.1.1}`, 'network.dns: "1.1.1.1" is not a list'],
  ["network.ntp", `${network}, ntp: [pool]}`, 'network.ntp[0]: "pool" is not an IP address'],
  ["network.domain", `${network}, domain: a_b}`, '"a_b" is not a DNS domain'],
  [
    "network.leaseTime",
    `${network}, leaseTime: 5x}`,
    '"5x" is not a duration; write 90s, 6m or 1h30m, up to 365 days',
  ],
  ["network.leaseTime", `${network}, leaseTime: 10ms}`, '"10ms" is too short for a lease; at least 1s'],
  ["network.probe", `${network}, probe: never}`, 'network.probe: "never" is not'],
  [
    "network.options",
    `${network}, options: [{code: 26, uint16: 1}, {code: 26, uint16: 2}]}`,
    "network.options[1]: option 26 is given twice",
  ],
  [
    "network.options[].code",
    option("code: 3, text: a"),
    "option 3 is what router says; write router instead",
  ],
  ["network.options[].code", option("code: 53, uint8: 1"), "option 53 is filled in by the server itself"],
  ["network.options[].code", option("code: 300, uint8: 1"), "300 is too large; at most 254"],
  [
    "network.options[].text",
    option("code: 99"),
    "an option has one value; write one of text, hex, addresses",
  ],
  ["network.options[].hex", option("code: 99, hex: abc"), '"abc" is not pairs of hex digits'],
  ["network.options[].addresses", option("code: 99, addresses: [a]"), '"a" is not an IP address'],
  ["network.options[].uint8", option("code: 99, uint8: 256"), "256 is too large; at most 255"],
  ["network.options[].uint16", option("code: 99, uint16: -1"), "-1 is too small; at least 0"],
  ["network.options[].uint32", option("code: 99, uint32: 1.5"), "1.5 is not a whole number"],
  [
    "networks",
    `networks:\n- {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: dhcp, interface: a}\n- {address: 10.1.0.129, subnet: 10.1.0.128/25, mode: none, interface: a}`,
    "5:25 networks[1].subnet: 10.1.0.128/25 overlaps 10.1.0.0/24 of networks[0]",
  ],
  [
    "networks[].interface",
    `networks:\n- {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: dhcp, interface: a}\n- {address: 10.2.0.1, subnet: 10.2.0.0/24, mode: none, interface: a}`,
    "networks[1].interface: a is the interface of networks[0] already",
  ],
  ["dns", "dns: 1.1.1.1", '3:1 dns: "1.1.1.1" is not a map'],
  ["dns.records", "dns: {records: {a b: 10.0.0.1}}", '"a b" is not a DNS domain'],
  ["dns.records", "dns: {records: {a: here}}", 'dns.records.a: "here" is not an IP address'],
  ["dns.forward", 'dns: {forward: ["1.1.1.1:99999"]}', '"1.1.1.1:99999": 99999 is not a port'],
  ["machines", "machines: {}", "3:1 machines: {} is not a list"],
  ["machines[].name", 'machines: [{name: A, mac: "52:54:00:00:00:01"}]', '"A" is not a DNS domain'],
  [
    "machines[].name",
    `${machine("")}\n- {name: a, mac: "52:54:00:00:00:02"}`,
    "6:4 machines[1].name: machines[0] has the name a as well",
  ],
  [
    "machines[].mac",
    machine("").replace("00:01", "zz"),
    '5:13 machines[0].mac: "52:54:00:00:zz" is not a MAC address',
  ],
  [
    "machines[].mac",
    `${machine("")}\n- {name: b, mac: 52-54-00-00-00-01}`,
    "machines[1].mac: machines[0] has the MAC address 52:54:00:00:00:01 as well",
  ],
  ["machines[].mac", "machines: [{name: a}]", "3:12 machines[0].mac: is missing"],
  [
    "machines[].address",
    machine("address: 10.9.0.1"),
    "5:39 machines[0].address: 10.9.0.1 is in no network; there is 10.1.0.0/24",
  ],
  ["machines[].address", machine("address: 10.1.0.1"), "10.1.0.1 is this server's own address"],
  [
    "machines[].address",
    `${machine("address: 10.1.0.9")}\n- {name: b, mac: "52:54:00:00:00:02", address: 10.1.0.9}`,
    "machines[1].address: machines[0] has the address 10.1.0.9 as well",
  ],
  [
    "machines[].address",
    'machines: [{name: a, mac: "52:54:00:00:00:01", address: 10.1.0.9}]',
    "10.1.0.9 is in no network: there is none; write network",
  ],
  [
    "machines[].labels",
    machine("labels: {rack: 1}"),
    'machines[0].labels.rack: 1 is not a text; write it in quotes, as "1"',
  ],
  [
    "machines[].bootFile",
    machine("bootFile: ../x.efi"),
    'machines[0].bootFile: "../x.efi" cannot be a boot file: write the path of a file in the lab\'s directory',
  ],
  ["machines[].quirks", machine("quirks: [no4011]"), '"no4011" is not possible here, did you mean no-4011'],
  [
    "machines[].profile",
    machine("profil: p"),
    "machines[0].profil: there is no such field, did you mean profile?",
  ],
  [
    "machines[].metadata",
    machine("metadata: {a: 1}"),
    "and there is no profile beside it; write profile, or move it to a group",
  ],
  ["groups", "groups: [g]", '3:10 groups[0]: "g" is not a map'],
  ["groups[].id", "groups: [{id: a/b, profile: p}]", `"a/b" cannot be a group's id: it has a slash`],
  [
    "groups[].id",
    `${machine("profile: p")}\ngroups: [{id: a, profile: p}]`,
    "machines[0].name: groups[0] has the id a as well",
  ],
  ["groups[].name", "groups: [{id: a, name: 1, profile: p}]", "groups[0].name: 1 is not a text"],
  ["groups[].profile", "groups: [{id: a}]", "3:10 groups[0].profile: is missing"],
  ["groups[].selector", "groups: [{id: a, profile: p, selector: {mac: x}}]", '"x" is not a MAC address'],
  ["groups[].metadata", "groups: [{id: a, profile: p, metadata: []}]", "groups[0].metadata: [] is not a map"],
  ["groups[].install", "groups: [{id: a, profile: p, install: twice}]", '"twice" is not possible here'],
  ["profiles", "profiles:", "3:1 profiles: is empty; write a list, or leave the field out"],
  ["profiles[].id", "profiles: [{id: ../x}]", '"../x" cannot be an id'],
  ["profiles[].id", "profiles: [{id: x}, {id: x}]", "3:22 profiles[1].id: profiles[0] has the id x as well"],
  ["profiles[].name", profile("name: [a]"), 'profiles[0].name: ["a"] is not a text'],
  [
    "profiles[].kernel",
    profile("kernl: a"),
    "4:11 profiles[0].kernl: there is no such field, did you mean kernel?",
  ],
  ["profiles[].kernel", profile("kernel: 1"), "profiles[0].kernel: 1 is not a text"],
  ["profiles[].initrd", profile("initrd: a"), 'profiles[0].initrd: "a" is not a list'],
  [
    "profiles[].args",
    profile("args: [1]"),
    'profiles[0].args[0]: 1 is not a text; write it in quotes, as "1"',
  ],
  [
    "profiles[].ignition",
    profile('ignition: ""'),
    "profiles[0].ignition: is empty; write a path, or the text itself",
  ],
  ["profiles[].cloud", profile("cloud: {}"), "profiles[0].cloud: {} is not a text"],
  ["profiles[].generic", profile("generic: 5"), "profiles[0].generic: 5 is not a text"],
  ["profiles[].install", profile("install: always"), '"always" is not possible here; there is once'],
  ["profiles[].secret", profile("secret: yes"), 'profiles[0].secret: "yes" is not true or false'],
  ["approve", "approve: never", '3:1 approve: "never" is not possible here'],
  ["assets", 'assets: ""', "3:1 assets: is empty; write a path"],
  ["http", "http: 8080", "3:1 http: 8080 is not a map"],
  ["http.address", "http: {address: localhost}", '"localhost" is not an IP address'],
  ["http.port", "http: {port: 0}", "3:8 http.port: 0 is too small; at least 1"],
  ["http.url", "http: {url: 'ftp://x'}", '"ftp://x" is not an http or https URL'],
  ["http.events", "http: {events: all}", '"all" is not true or false'],
  ["http.tls", "http: {tls: true}", "http.tls: true is not a map"],
  ["http.tls.address", "http: {tls: {certificate: a, key: b, address: x}}", '"x" is not an IP address'],
  [
    "http.tls.port",
    "http: {tls: {certificate: a, key: b, port: 70000}}",
    "70000 is too large; at most 65535",
  ],
  ["http.tls.certificate", "http: {tls: {key: b}}", "http.tls.certificate: is missing"],
  ["http.tls.key", "http: {tls: {certificate: b}}", "http.tls.key: is missing"],
  ["tftp", "tftp: off", '3:1 tftp: "off" is not a map'],
  ["tftp.address", "tftp: {address: 1}", "tftp.address: 1 is not a text"],
  ["tftp.directory", 'tftp: {directory: ""}', "tftp.directory: is empty; write a path"],
  ["bootFiles", "bootFiles: {arm64: a.efi}", "3:13 bootFiles.arm64: there is no such field"],
  ...[
    ...["bios", "uefi-ia32", "uefi-x64", "uefi-arm32", "uefi-arm64"],
    ...["uefi-http-ia32", "uefi-http-x64", "uefi-http-arm32", "uefi-http-arm64"],
  ].map((firmware): [field: string, yaml: string, said: string] => [
    `bootFiles.${firmware}`,
    `bootFiles: {${firmware}: /srv/a.efi}`,
    `bootFiles.${firmware}: "/srv/a.efi" cannot be a boot file`,
  ]),
  ["tftp.port", 'tftp: {port: "69"}', 'tftp.port: "69" is not a number'],
  ["grpc", "grpc: {}", "3:1 grpc.certificate: is missing"],
  ["grpc.address", "grpc: {certificate: a, key: b, ca: c, address: x}", '"x" is not an IP address'],
  ["grpc.port", "grpc: {certificate: a, key: b, ca: c, port: x}", 'grpc.port: "x" is not a number'],
  ["grpc.certificate", "grpc: {key: b, ca: c}", "grpc.certificate: is missing"],
  ["grpc.key", "grpc: {certificate: b, ca: c}", "grpc.key: is missing"],
  ["grpc.ca", "grpc: {certificate: b, key: c}", "grpc.ca: is missing"],
  ["", "machine: []", "3:1 machine: there is no such field, did you mean machines?"],
];

describe("a lab.yaml that is wrong", () => {
  test.each(rows)("%s: %j", (_, yaml, said) => {
    const all = complaints(`${head}${yaml}\n`);
    expect(all).toContainEqual(expect.stringContaining(said));
    for (const one of all) expect(one).toMatch(/^lab\.yaml:\d+:\d+ /);
  });

  test("every field has a row", () => {
    const covered = new Set(rows.map(([field]) => field));
    // A network is the same wherever it stands.
    const missing = fieldsOf(labJsonSchema()).filter(
      (field) => !covered.has(field) && !covered.has(field.replace(/^networks\[\]/, "network")),
    );
    expect(missing).toEqual(["apiVersion", "kind"]);
  });

  test.each([
    ["", "lab.yaml:1:1: a lab file is a map that begins with apiVersion: slipway.dev/v1alpha1"],
    ["kind: Lab", "lab.yaml:1:1 apiVersion: is missing; write apiVersion: slipway.dev/v1alpha1"],
    ["apiVersion: slipway.dev/v1alpha1\nkind: Cluster", 'lab.yaml:2:1 kind: "Cluster" is not Lab'],
    [`${head}machines: [`, "lab.yaml:"],
    [`${head}---\na: b`, "a lab file holds one document; this is a second one"],
    [`${head}dns: {}\ndns: {}`, "lab.yaml:4:1: Map keys must be unique"],
  ])("%j", (text, said) => {
    expect(complaints(text)[0]).toContain(said);
  });
});

describe("any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.json().map((json) => json.slice(0, -1)),
    fc.string({ unit: fc.constantFrom(...'{}[]":,-#&*!|> \n\tab01', head) }),
  );

  test("is read, or said to be wrong", () => {
    fc.assert(
      fc.property(text, (any) => {
        for (const read of [
          parseGroup(any, "g.json", "g").value,
          parseProfile(any, "p.json", "p").value,
          parseLab(head + any, "lab.yaml", "/lab").lab,
        ]) {
          expect(read === undefined || typeof read === "object").toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("that is JSON has a place for each field of it", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(4), (json, indent) => {
        const value: unknown = JSON.parse(json);
        const written = JSON.stringify(value, null, indent) ?? "null";
        expect(readJson(written, "f")).toEqual({ value });
        expect(repeatedKeys(written, "f")).toEqual([]);
        const lines = written.split("\n");
        const walk = (part: unknown, path: (string | number)[]) => {
          if (typeof part !== "object" || part === null) return;
          for (const [key, child] of Object.entries(part)) {
            const step = Array.isArray(part) ? Number(key) : key;
            const { line, column } = jsonPlace(written, "f", [...path, step]);
            const rest = lines[line! - 1]!.slice(column! - 1);
            expect(
              rest.startsWith(Array.isArray(part) ? JSON.stringify(child)[0]! : JSON.stringify(key)),
            ).toBe(true);
            walk(child, [...path, step]);
          }
        };
        walk(value, []);
      }),
    );
  });
});
