import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Observation } from "../observation.js";
import { address, at, dhcp, instant, mac, wholeBoot } from "./testing.js";
import { makeTimeline, makeTimelines } from "./timeline.js";

const parts = (observations: readonly Observation[]) =>
  makeTimeline(observations, mac, instant(9999))!.boots.map((boot) => boot.parts.map(({ step }) => step));

describe("a whole boot", () => {
  const timeline = makeTimeline(wholeBoot, mac, instant(9999))!;

  test("is one timeline: DHCP, TFTP and HTTP joined by the lease", () => {
    expect(makeTimelines(wholeBoot, instant(9999)).map(({ machine }) => machine)).toEqual([mac]);
    expect(parts(wholeBoot)).toEqual([
      [
        "firmware-dhcp",
        "boot-file",
        "ipxe-dhcp",
        "script",
        "aside",
        "script",
        "kernel",
        "system-dhcp",
        "report",
        "config",
        "report",
      ],
    ]);
  });

  test("has durations, bytes and silences", () => {
    const [boot] = timeline.boots;
    expect(boot).toMatchObject({ durationMs: 45_000, bytes: 98_073_300, reached: "report" });
    const kernel = boot!.parts.find(({ step }) => step === "kernel");
    expect(kernel).toMatchObject({ durationMs: 5000, bytes: 98_000_000, outcome: "ok" });
    expect(boot!.parts.find(({ step }) => step === "system-dhcp")).toMatchObject({ silenceMs: 17_000 });
  });

  test("misses nothing", () => {
    expect(timeline.missing).toBeUndefined();
  });

  test("a second boot is one of its own; a lease that is renewed is not", () => {
    const later = wholeBoot.map((one) => ({
      ...one,
      time: new Date(Date.parse(one.time) + 3_600_000).toISOString(),
    }));
    const renewed = dhcp(2000, "REQUEST → ACK", "other", { address });
    const timeline = makeTimeline([...wholeBoot, renewed, ...later], mac, instant(9999))!;
    expect(timeline.boots).toHaveLength(2);
    expect(timeline.boots[0]).toMatchObject({ durationMs: 45_000 });
  });
});

test("an address that went to another machine is joined to whoever had it at the time", () => {
  const other = "52:54:00:00:00:02";
  const timelines = makeTimelines(
    [
      dhcp(1, "REQUEST → ACK", "bios", { address }),
      at(2, { stage: "tftp", what: "undionly.kpxe", address }),
      dhcp(100, "REQUEST → ACK", "bios", { address, mac: other }),
      at(101, { stage: "tftp", what: "ipxe.efi", address }),
      at(102, { stage: "tftp", what: "ipxe.efi", address: "10.0.0.99" }),
    ],
    instant(200),
  );
  const files = Object.fromEntries(
    timelines.map(({ machine, boots }) => [
      machine,
      boots.flatMap((boot) => boot.parts.flatMap((part) => part.observations.map(({ what }) => what))),
    ]),
  );
  expect(files).toEqual({
    [mac]: ["REQUEST → ACK", "undionly.kpxe"],
    [other]: ["REQUEST → ACK", "ipxe.efi"],
    "10.0.0.99": ["ipxe.efi"],
  });
});

test("beside another DHCP server the lease that was overheard joins", () => {
  const heard = at(1, {
    stage: "dhcp",
    what: "another server's answer",
    mac,
    details: { type: "ACK", server: "10.0.0.2", address },
  });
  const timelines = makeTimelines(
    [heard, at(2, { stage: "tftp", what: "undionly.kpxe", address })],
    instant(3),
  );
  expect(timelines.map(({ machine }) => machine)).toEqual([mac]);
});

describe("the step that did not come, and why", () => {
  const upTo = (last: string, times = 1) => {
    let left = times;
    const end = wholeBoot.findIndex(({ what }) => what === last && --left === 0);
    return wholeBoot.slice(0, end + 1);
  };
  const script = (gets: string, because: string) =>
    at(8, { stage: "http", what: "GET /ipxe", mac, address, details: { status: "200", gets, because } });
  const http = (second: number, what: string, status: string, error: string) =>
    at(second, {
      stage: what.includes("ignition") ? "ignition" : "http",
      what,
      mac,
      address,
      outcome: status === "403" || status === "503" ? "refused" : "failed",
      details: { status, error, agent: "iPXE/1.21.1" },
    });

  test.each<[string, Observation[], RegExp, RegExp]>([
    [
      "offer, no request",
      upTo("DISCOVER → OFFER"),
      /request for what it was offered/,
      /another DHCP server's offer/,
    ],
    [
      "no answer",
      [
        dhcp(0, "DISCOVER", "bios", {
          outcome: "refused",
          details: { firmware: "bios", because: "no free address" },
        }),
      ],
      /offered/,
      /no free address/,
    ],
    ["acknowledged, no boot file", upTo("REQUEST → ACK"), /^the boot file$/, /firewall.*TFTP|running system/],
    [
      "TFTP aborted",
      [
        ...upTo("REQUEST → ACK"),
        at(2, { stage: "tftp", what: "ipxe.efi", address, outcome: "aborted", details: { error: "8" } }),
      ],
      /boot file, whole/,
      /does not take the options/,
    ],
    [
      "size asked, no transfer",
      [
        ...upTo("REQUEST → ACK"),
        at(2, { stage: "tftp", what: "ipxe.efi", address, details: { probe: "size only" } }),
      ],
      /boot file, whole/,
      /does not take the options/,
    ],
    [
      "wrong boot file",
      [
        ...upTo("REQUEST → ACK"),
        at(2, {
          stage: "tftp",
          what: "pxelinux.0",
          address,
          outcome: "refused",
          details: { error: "no such file" },
        }),
      ],
      /boot file/,
      /pxelinux\.0 is not to be had here: no such file/,
    ],
    ["boot file, no iPXE", upTo("undionly.kpxe"), /iPXE's own DHCP/, /Secure Boot/],
    ["iPXE has an address, no script", upTo("REQUEST → ACK", 2), /boot script/, /firewall/],
    ["script, not chained", upTo("GET /boot.ipxe"), /request for the boot profile/, /resolve or reach/],
    [
      "no group",
      [...upTo("GET /boot.ipxe"), http(8, "GET /ipxe", "404", "no group matches")],
      /boot script/,
      /404: no group matches/,
    ],
    [
      "not approved",
      [...upTo("GET /boot.ipxe"), http(8, "GET /ipxe", "503", "nobody approved it")],
      /boot profile/,
      /nobody approved it/,
    ],
    ["script, no kernel", upTo("GET /ipxe"), /^the kernel$/, /another server/],
    [
      "kernel is not there",
      [...upTo("GET /ipxe"), http(8, "GET /assets/vmlinuz", "404", "no such file")],
      /kernel and all/,
      /GET \/assets\/vmlinuz was answered with 404/,
    ],
    ["initrd, silence", upTo("GET /assets/initrd"), /a word of the booted system/, /ignition\.firstboot/],
    ["address, no config", upTo("REQUEST → ACK", 3), /Ignition's fetch/, /ignition\.config\.url/],
    [
      "config is 404",
      [...upTo("initrd"), http(33, "GET /ignition", "404", "template: no key")],
      /config that Ignition takes/,
      /404: template: no key, which is final/,
    ],
    [
      "token used",
      [...upTo("initrd"), http(33, "GET /ignition", "403", "the token was used")],
      /config that Ignition takes/,
      /token was used.*final/,
    ],
    [
      "config is 503",
      [...upTo("initrd"), http(33, "GET /ignition", "503", "nobody approved it")],
      /approved/,
      /ask again: nobody/,
    ],
    ["config, no report", upTo("GET /ignition"), /node's own report/, /slipway\.report=/],
    ["fetched, not applied", upTo("ignition-fetched"), /applied/, /disk/],
    ["applied, not booted", upTo("ignition-applied"), /system is up/, /hangs or fails/],
    [
      "the node failed",
      [
        ...upTo("ignition-fetched"),
        at(40, {
          stage: "report",
          what: "failed",
          mac,
          address,
          outcome: "failed",
          details: { reason: "no /dev/sda" },
        }),
      ],
      /ready/,
      /no \/dev\/sda/,
    ],
  ])("%s", (_name, observations, next, cause) => {
    const { missing } = makeTimeline(observations, mac, instant(9999))!;
    expect(missing?.next).toMatch(next);
    expect(missing?.overdue).toBe(true);
    expect(missing?.causes[0]?.cause).toMatch(cause);
    for (const each of missing!.causes) expect(each.try).not.toBe("");
  });

  test("what was asked a moment ago may yet come", () => {
    const { missing } = makeTimeline(upTo("GET /assets/initrd"), mac, instant(20))!;
    expect(missing).toMatchObject({ overdue: false, waitedMs: 7000, after: "GET /assets/initrd" });
  });

  test("a file that was had in a second try is not missing", () => {
    const again = at(12, { stage: "http", what: "GET /assets/vmlinuz", address, details: { status: "200" } });
    const boot = [...upTo("GET /ipxe"), http(8, "GET /assets/vmlinuz", "404", "no such file"), again];
    expect(makeTimeline(boot, mac, instant(9999))!.missing?.next).toMatch(/booted system/);
  });

  test("a second DHCP server on the wire is the first suspect", () => {
    const rogue = at(0.5, {
      stage: "dhcp",
      what: "another server's answer",
      mac,
      outcome: "refused",
      details: { server: "10.0.0.66", type: "OFFER", address: "10.0.0.200" },
    });
    const { missing } = makeTimeline([...upTo("DISCOVER → OFFER"), rogue], mac, instant(9999))!;
    expect(missing?.causes[0]?.cause).toContain("10.0.0.66");
  });

  test("a machine that was sent on to its own disk misses nothing", () => {
    const sent = [...upTo("GET /boot.ipxe"), script("its own disk", "reset installs it anew")];
    expect(makeTimeline(sent, mac, instant(9999))!.missing).toBeUndefined();
    const system = dhcp(60, "REQUEST → ACK", "other", { address });
    expect(makeTimeline([...sent, system], mac, instant(9999))!.missing).toBeUndefined();
  });

  test("nor does one that is retired: it was given nothing to boot", () => {
    const details = { firmware: "ipxe", because: "it is not to boot from the network now" };
    const given = dhcp(8, "REQUEST → ACK", "ipxe", { address, details });
    expect(makeTimeline([given], mac, instant(9999))!.missing).toBeUndefined();
  });

  test.each([
    ["a wait", "the lab approves none by itself, and nobody did", /its boot profile/, /approve MAC$/],
    ["a wait", "what it boots has secrets", /its boot profile/, /simulate --mac/],
    ["a menu", "nobody approved it", /somebody's word/, /approve MAC; then/],
    ["a menu", "no group says what it boots", /somebody's word/, /describe it in lab\.yaml/],
  ])("one that got %s as %s waits for as long as it takes", (gets, because, next, action) => {
    const waits = [...upTo("GET /boot.ipxe"), script(gets, because)];
    const { missing } = makeTimeline(waits, mac, instant(9999))!;
    expect(missing).toMatchObject({ next: expect.stringMatching(next), overdue: false });
    expect(missing!.causes[0]).toEqual({
      cause: expect.stringContaining(because),
      try: expect.stringMatching(action),
    });
    const again = [dhcp(20, "DISCOVER → OFFER", "ipxe"), dhcp(20, "REQUEST → ACK", "ipxe", { address })];
    expect(makeTimeline([...waits, ...again], mac, instant(9999))!.boots, "switched off and on").toHaveLength(
      2,
    );
  });

  test("a boot begins with the machine's first word, not with what a person did before", () => {
    const approved = at(-30, { stage: "life", what: "approved", mac });
    const [boot, ...others] = makeTimeline([approved, ...wholeBoot], mac, instant(9999))!.boots;
    expect(others).toEqual([]);
    expect(boot).toMatchObject({ started: wholeBoot[0]!.time, durationMs: 45_000 });
    expect(boot!.parts.slice(0, 2)).toMatchObject([
      { step: "aside" },
      { step: "firmware-dhcp", silenceMs: 0 },
    ]);
  });
});

const anyObservation: fc.Arbitrary<Observation> = fc.record(
  {
    time: fc.nat(5_000_000).map((ms) => new Date(instant(0) + ms).toISOString()),
    mac: fc.constantFrom(mac, "52:54:00:00:00:02"),
    address: fc.constantFrom(address, "10.0.0.6", "0.0.0.0"),
    stage: fc.constantFrom("dhcp", "proxydhcp", "tftp", "http", "dns", "ignition", "report", "life"),
    what: fc.constantFrom(
      "DISCOVER → OFFER",
      "REQUEST → ACK",
      "REQUEST → NAK",
      "another server's answer",
      "GET /boot.ipxe",
      "GET /ipxe",
      "GET /assets/x",
      "GET /ignition",
      "undionly.kpxe",
      "booted",
      "failed",
      "",
    ),
    outcome: fc.constantFrom("ok", "failed", "refused", "aborted"),
    durationMs: fc.nat(10_000),
    bytes: fc.nat(1_000_000),
    details: fc.constantFrom<Record<string, string>>(
      {},
      { firmware: "bios" },
      { firmware: "ipxe" },
      { firmware: "other" },
      { type: "ACK", address },
      { status: "404" },
      { status: "200", gets: "its own disk" },
    ),
  },
  { requiredKeys: ["time", "stage", "what", "outcome", "details"] },
);

test("no timeline loses or doubles an observation, and each boot is in order", () => {
  fc.assert(
    fc.property(fc.array(anyObservation, { maxLength: 80 }), (observations) => {
      const timelines = makeTimelines(observations, instant(10_000));
      const all = timelines.flatMap(({ boots }) =>
        boots.flatMap(({ parts }) => parts.flatMap((part) => part.observations)),
      );
      expect(all).toHaveLength(observations.length);
      expect(new Set(all)).toEqual(new Set(observations));
      for (const { boots } of timelines) {
        const times = boots.flatMap(({ parts }) =>
          parts.flatMap((part) => part.observations.map(({ time }) => time)),
        );
        expect(times).toEqual([...times].sort());
        for (const { parts, bytes } of boots) {
          expect(bytes).toBe(parts.reduce((sum, part) => sum + part.bytes, 0));
          for (const { silenceMs, durationMs } of parts)
            expect(Math.min(silenceMs, durationMs)).toBeGreaterThanOrEqual(0);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
