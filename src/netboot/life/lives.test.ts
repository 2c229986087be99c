import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import type { BootProfile, Group } from "../inventory/types.js";
import type { Observation } from "../observation.js";
import { Lives, type LivesOptions, readLives } from "./lives.js";
import type { BootAnswer } from "./requests.js";
import { withToken } from "./token.js";

const mac = "52:54:00:00:00:01";
const other = "52:54:00:00:00:02";
const address = "10.0.0.5";
const place = { file: "lab.yaml" };
const profile: BootProfile = { id: "worker", boot: { initrd: [], args: [] }, place, secret: true };
const group: Group = { id: "node1", profile: "worker", selector: { mac }, metadata: {}, place };
const machine = { labels: { mac }, address, group, profile };

let directory: string;
let now: number;
let observed: Observation[];
const owners = new Map([
  [address, mac],
  ["10.0.0.6", other],
]);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-life-"));
  now = Date.parse("2026-01-01T00:00:00Z");
  observed = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const openLives = (options: Partial<LivesOptions> = {}) =>
  Lives.open({
    directory,
    clock: { ...systemClock, now: () => new Date(now) },
    observe: (observation) => observed.push(observation),
    policy: () => undefined,
    isDescribed: (asked) => asked === mac,
    ownerOf: (asked) => owners.get(asked),
    ...options,
  });

const tokenOf = (answer: BootAnswer): string => {
  expect(answer).toMatchObject({ type: "profile" });
  expect(Buffer.from(answer.token!, "base64url").length * 8).toBeGreaterThanOrEqual(128);
  return answer.token!;
};

const config = (token?: string) => ({ ...machine, kind: "ignition", token });

describe("a configuration with secrets", () => {
  test("is given once, to the token of the boot script", async () => {
    await using lives = await openLives();
    const token = tokenOf(lives.boot(machine));
    const admission = lives.admitConfig(config(token));
    expect(lives.admitConfig(config(token))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    if (!("admit" in admission)) throw new Error(admission.reason);
    admission.done("complete");
    expect(lives.admitConfig(config(token))).toMatchObject({ status: 403 });
    expect(lives.admitConfig({ ...config(token), kind: "cloud" })).toMatchObject({ admit: true });
  });

  test("is given again when the transfer broke off", async () => {
    await using lives = await openLives();
    const token = tokenOf(lives.boot(machine));
    for (let i = 0; i < 3; i++) {
      const admission = lives.admitConfig(config(token));
      if (!("admit" in admission)) throw new Error(admission.reason);
      admission.done("broken");
    }
    now += 11 * 60_000;
    expect(lives.admitConfig(config(token))).toMatchObject({
      status: 403,
      reason: expect.stringContaining("expired"),
    });
  });

  test("is not given to a wrong token, to none, to another address, or for another boot profile", async () => {
    await using lives = await openLives();
    const token = tokenOf(lives.boot(machine));
    for (const request of [
      config(),
      config(""),
      config("A".repeat(token.length)),
      config(token.slice(1)),
      { ...config(token), address: "10.0.0.6" },
      { ...config(token), address: "127.0.0.1" },
      { ...config(token), labels: { mac: other } },
      { ...config(token), labels: {} },
      { ...config(token), profile: { ...profile, id: "master" } },
    ]) {
      const admission = lives.admitConfig(request);
      expect(admission).toMatchObject({ status: 403 });
    }
    expect(lives.admitConfig(config(token))).toMatchObject({ admit: true });
  });

  test("the script that holds the token is for the machine's own address only", async () => {
    await using lives = await openLives();
    for (const from of ["10.0.0.6", "10.0.0.7", "127.0.0.1"]) {
      const answer = lives.boot({ ...machine, address: from });
      expect(answer).toMatchObject({ type: "wait" });
      expect(answer).not.toHaveProperty("token");
    }
    const token = tokenOf(lives.boot(machine));
    expect(tokenOf(lives.boot(machine)), "asked again in the same boot").toBe(token);
  });

  test("a restart in order keeps an unused token good, and takes what was being sent for used", async () => {
    const lives = await openLives();
    const token = tokenOf(lives.boot(machine));
    await lives.close();
    const second = await openLives();
    expect(second.admitConfig(config(token))).toMatchObject({ admit: true });
    await second.close();
    const third = await openLives();
    expect(third.admitConfig(config(token))).toMatchObject({ status: 403 });
    await third.close();
  });

  test("after a crash no token is good, the one handed on before least of all", async () => {
    const first = await openLives();
    const token = tokenOf(first.boot(machine));
    await first.close();
    const second = await openLives();
    expect(second.admitConfig(config(token))).toMatchObject({ admit: true });
    // No close: it is killed.
    await using third = await openLives();
    expect(third.admitConfig(config(token))).toMatchObject({ status: 403 });
    await second.close();
  });

  test("the token is nowhere on the disk and in no observation", async () => {
    const lives = await openLives();
    const token = tokenOf(lives.boot(machine));
    lives.admitConfig(config(`${token}x`));
    await lives.close();
    for (const file of ["machines.ndjson", "tokens.json"]) {
      const path = join(directory, file);
      expect(await readFile(path, "utf8")).not.toContain(token);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
    expect(JSON.stringify(observed)).not.toContain(token);
  });

  test("whatever happens, no token is honoured after a complete transfer", async () => {
    const action = fc.oneof(
      fc.constant("boot" as const),
      fc.record({ fetch: fc.nat(3), end: fc.constantFrom("complete" as const, "broken" as const) }),
      fc.constantFrom("reset" as const, "restart" as const, "crash" as const, "later" as const),
      fc.constant({ report: "booted" as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const own = await mkdtemp(join(tmpdir(), "slipway-life-"));
        let lives = await openLives({ directory: own });
        const tokens: string[] = [];
        const spent = new Set<string>();
        for (const action of actions) {
          if (action === "boot") {
            const answer = lives.boot(machine);
            if (answer.token !== undefined && !tokens.includes(answer.token)) tokens.push(answer.token);
          } else if (action === "reset") await lives.admin(mac, "reset").catch(() => {});
          else if (action === "later") now += 45_000;
          else if (action === "restart") {
            await lives.close();
            lives = await openLives({ directory: own });
          } else if (action === "crash") {
            lives = await openLives({ directory: own });
          } else if ("report" in action) await lives.report({ mac, address, stage: action.report });
          else {
            const token = tokens.at(-1 - action.fetch);
            if (token === undefined) continue;
            const admission = lives.admitConfig(config(token));
            if (!("admit" in admission)) continue;
            expect(spent.has(token)).toBe(false);
            expect(token, "only the last boot's").toBe(tokens.at(-1));
            admission.done(action.end);
            if (action.end === "complete") spent.add(token);
          }
        }
        await lives.close();
        await rm(own, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });
});

test("an Ignition fetch before the approval is to be tried again; after retirement it is final", async () => {
  await using lives = await openLives({ policy: () => "manual" });
  const { secret: _, ...open } = profile;
  const request = { ...config(), profile: open };
  expect(lives.admitConfig(request)).toMatchObject({ status: 503 });
  await lives.admin(mac, "approve");
  expect(lives.admitConfig(request)).toMatchObject({ admit: true });
  await lives.admin(mac, "retire");
  expect(lives.admitConfig(request)).toMatchObject({ status: 403 });
});

test("a report counts from the machine's own address, or with its token", async () => {
  await using lives = await openLives();
  const token = tokenOf(lives.boot(machine));
  expect(await lives.report({ mac, address: "10.0.0.6", stage: "booted" })).toMatchObject({ status: 403 });
  expect(await lives.report({ mac, address: "127.0.0.1", stage: "booted" })).toMatchObject({ status: 403 });
  expect(lives.get(mac)).toMatchObject({ state: "provisioning" });
  expect(await lives.report({ mac, address: "10.0.0.77", stage: "initrd", token })).toEqual({ ok: true });
  expect(await lives.report({ mac, address, stage: "booted" })).toEqual({ ok: true });
  expect(lives.get(mac)).toMatchObject({ state: "ready", reported: "booted" });
  expect((await readLives(directory))[0]).toMatchObject({ state: "ready" });
});

test("who asks for another machine is told, and that machine's life goes on as it was", async () => {
  await using lives = await openLives();
  const installing = {
    ...machine,
    profile: { ...profile, secret: undefined as never, install: "once" as const },
  };
  expect(lives.boot({ ...installing, address: "127.0.0.1" })).toMatchObject({ type: "profile" });
  expect(lives.get(mac)).toBeUndefined();
  expect(lives.boot(installing)).toMatchObject({ type: "profile" });
  expect(lives.get(mac)).toMatchObject({ state: "provisioning", address });
  await lives.report({ mac, address, stage: "installed" });
  expect(lives.boot({ ...installing, address: "10.0.0.6" })).toMatchObject({ type: "disk" });
});

test("strangers are bounded: the one that was quiet longest is forgotten first, described and installed ones never", async () => {
  await using lives = await openLives({ maxStrangers: 3 });
  const seen = (mac: string) =>
    lives.take({
      time: "",
      mac,
      address: "10.0.0.9",
      stage: "dhcp",
      what: "DISCOVER → OFFER",
      outcome: "ok",
      details: { firmware: "bios" },
    });
  const stranger = (i: number) => `02:00:00:00:00:0${i}`;
  seen(mac);
  await lives.admin(other, "approve");
  for (let i = 1; i <= 3; i++) seen(stranger(i));
  seen(stranger(1));
  seen(stranger(4));
  const known = lives.all().map(({ mac }) => mac);
  expect(known).toEqual(expect.arrayContaining([mac, other, stranger(1), stranger(3), stranger(4)]));
  expect(known).not.toContain(stranger(2));
  for (let i = 0; i < 5000; i++)
    seen(`02:00:00:01:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`);
  expect(lives.all().length).toBe(5);
});

test("verbs say why they cannot be", async () => {
  await using lives = await openLives();
  await expect(lives.admin(mac, "reset")).rejects.toMatchObject({ code: "MACHINE_NOT_FOUND" });
  lives.boot(machine);
  await lives.admin(mac, "retire");
  await expect(lives.admin(mac, "approve")).rejects.toThrow("it is retired; reset it first");
});

test("the token goes into the URL of each configuration, and nowhere else", () => {
  const args = [
    "ignition.firstboot",
    `ignition.config.url=http://10.0.0.1:8080/ignition?uuid=\${uuid}&mac=\${mac:hexhyp}`,
    "coreos.inst.ignition_url=http://10.0.0.1/ignition",
    "ds=nocloud-net;s=http://10.0.0.1/assets/x",
  ];
  expect(withToken(args, "T")).toEqual([args[0], `${args[1]}&token=T`, `${args[2]}?token=T`, args[3]]);
});
