import { expect, test } from "vitest";
import { head, snapshotOf } from "../testing.js";
import { changeText } from "./change.js";
import { diffSnapshots } from "./diff.js";

const files = {
  "lab.yaml": `${head}network: {address: 10.1.0.1, subnet: 10.1.0.0/24, mode: dhcp, range: 10.1.0.50-10.1.0.60}
machines:
  - {name: a, mac: "52:54:00:00:00:01", address: 10.1.0.10, profile: p, metadata: {n: "1"}}
  - {name: b, mac: "52:54:00:00:00:02", profile: p, metadata: {n: "2"}}
groups: [{id: rest, profile: q}]
profiles:
  - {id: p, kernel: /k, args: [one, two], ignition: w.yaml}
  - {id: q, kernel: /q}
`,
  "w.yaml": `variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/hostname
      contents: {inline: "node{{.n}}"}
    - path: /etc/motd
      contents: {inline: "one\\ntwo\\nthree\\n"}
systemd:
  units: [{name: a.service, enabled: true}]
`,
};

async function diffOf(change: (text: string) => string, file: keyof typeof files = "lab.yaml") {
  const [before, after] = [
    await snapshotOf(files),
    await snapshotOf({ ...files, [file]: change(files[file]) }),
  ];
  const { shared, touched, compared } = diffSnapshots(before, after);
  return {
    shared: shared.map(changeText),
    touched: touched.map(({ who, changes }) => [who.join(", "), ...changes.map(changeText)]),
    compared,
  };
}

test("the same is the same", async () => {
  expect(await diffOf((text) => `${text}# a comment\n`)).toEqual({ shared: [], touched: [], compared: 3 });
});

test("a boot profile's change touches its machines alone", async () => {
  const { touched } = await diffOf((text) => text.replace("kernel: /k", "kernel: /k2"));
  expect(touched).toEqual([
    ["machine a (52:54:00:00:00:01), machine b (52:54:00:00:00:02)", "~ kernel: /k → /k2"],
  ]);
});

test("the order of arguments counts", async () => {
  const { touched } = await diffOf((text) => text.replace("[one, two]", "[two, one]"));
  expect(touched[0]?.[1]).toBe("~ args:\n    - one\n    - two\n    + two\n    + one");
});

test("the final Ignition config, by paths", async () => {
  const { touched } = await diffOf(
    (text) =>
      text
        .replace("node{{.n}}", "host{{.n}}")
        .replace("two\\n", "2\\n")
        .replace("units: [", "units: [{name: b.service, enabled: false}, "),
    "w.yaml",
  );
  expect(touched).toEqual([
    [
      "machine a (52:54:00:00:00:01)",
      "~ ignition.storage.files[/etc/hostname].contents.source: node1 → host1",
      "~ ignition.storage.files[/etc/motd].contents.source:\n      one\n    - two\n    + 2\n      three",
      "+ ignition.systemd.units[b.service].name: b.service",
      "+ ignition.systemd.units[b.service].enabled: false",
    ],
    [
      "machine b (52:54:00:00:00:02)",
      "~ ignition.storage.files[/etc/hostname].contents.source: node2 → host2",
      "~ ignition.storage.files[/etc/motd].contents.source:\n      one\n    - two\n    + 2\n      three",
      "+ ignition.systemd.units[b.service].name: b.service",
      "+ ignition.systemd.units[b.service].enabled: false",
    ],
  ]);
});

test("reservations, networks, and a template that fails now", async () => {
  expect((await diffOf((text) => text.replace("10.1.0.10", "10.1.0.11"))).touched).toEqual([
    ["machine a (52:54:00:00:00:01)", "~ address: 10.1.0.10 → 10.1.0.11"],
  ]);
  const { shared, touched } = await diffOf((text) => text.replace("50-10.1.0.60", "50-10.1.0.70"));
  expect(shared).toEqual(["~ networks[10.1.0.0/24].range.last: 10.1.0.60 → 10.1.0.70"]);
  expect(touched).toEqual([]);
  const failed = await diffOf((text) => text.replace(', metadata: {n: "2"}', ""));
  expect(failed.touched[0]?.at(-1)).toMatch(/^\+ ignition:.*w\.yaml.*no entry for key "n"/s);
});

test("a machine that goes falls to the group that is left", async () => {
  const { touched } = await diffOf((text) => text.replace(/ {2}- \{name: b.*\n/, ""));
  expect(touched[0]?.[0]).toBe("machine b (52:54:00:00:00:02)");
  expect(touched[0]).toContain("~ group: b → rest");
  expect(touched[0]).toContain("~ boot profile: p → q");
  expect(touched[0]).toContain("~ kernel: /k → /q");
});
