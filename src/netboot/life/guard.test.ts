import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import type { DocumentRequest } from "../http/guard.js";
import type { BootProfile, Group } from "../inventory/types.js";
import { lifeGuard } from "./guard.js";
import { Lives } from "./lives.js";
import type { ApprovePolicy } from "./next-boot.js";

const mac = "52:54:00:00:00:01";
const address = "10.0.0.5";
const place = { file: "lab.yaml" };
const url = "http://10.0.0.1:8080/ignition?mac=01";
const secret: BootProfile = {
  id: "worker",
  boot: {
    kernel: "/assets/vmlinuz",
    initrd: ["/assets/initrd"],
    args: ["ignition.firstboot", `ignition.config.url=${url}`],
  },
  secret: true,
  place,
};
const group: Group = { id: "node1", profile: "worker", selector: { mac }, metadata: {}, place };

let directory: string;
let lives: Lives;
let policy: ApprovePolicy;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-guard-"));
  policy = undefined;
  lives = await Lives.open({
    directory,
    clock: systemClock,
    observe: () => {},
    policy: () => policy,
    isDescribed: (asked) => asked === mac,
    ownerOf: (asked) => (asked === address ? mac : undefined),
  });
});
afterEach(async () => {
  await lives.close();
  await rm(directory, { recursive: true, force: true });
});

const asked = (kind: DocumentRequest["kind"], more: Partial<DocumentRequest> = {}): DocumentRequest => ({
  kind,
  signature: false,
  method: "GET",
  labels: { mac },
  rawQuery: `mac=${mac}&arch=x86_64`,
  group,
  profile: secret,
  address,
  token: undefined,
  ...more,
});

test("the script of a boot profile with secrets has a token in the config's URL, which gets the config once", () => {
  const guard = lifeGuard(lives, { menu: true });
  const verdict = guard(asked("ipxe"));
  if (verdict.type !== "instead") throw new Error(verdict.type);
  expect(verdict.body).toMatch(/^#!ipxe\nkernel \/assets\/vmlinuz ignition\.firstboot /);
  const token = /&token=([\w-]{43})\n/.exec(verdict.body)?.[1];
  expect(guard(asked("ignition"))).toMatchObject({ type: "refuse", status: 403 });
  const config = guard(asked("ignition", { token }));
  if (config.type !== "serve") throw new Error("refused");
  expect(guard(asked("ignition", { token }))).toMatchObject({
    type: "refuse",
    status: 503,
    retryAfterSeconds: 5,
  });
  config.ended?.(false);
  const again = guard(asked("ignition", { token }));
  if (again.type !== "serve") throw new Error("refused");
  again.ended?.(true);
  expect(guard(asked("ignition", { token }))).toMatchObject({ type: "refuse", status: 403 });
});

test("HEAD neither boots a machine nor uses a token", () => {
  const guard = lifeGuard(lives, { menu: true });
  expect(guard(asked("ipxe", { method: "HEAD" }))).toMatchObject({ type: "refuse", status: 403 });
  expect(lives.get(mac)).toBeUndefined();
});

test("a machine that waits for approval asks again, and is then told what to boot", async () => {
  policy = "manual";
  const guard = lifeGuard(lives, { menu: true });
  const { secret: _, ...open } = secret;
  const waits = guard(asked("ipxe", { profile: open }));
  if (waits.type !== "instead") throw new Error(waits.type);
  expect(waits.gets).toBe("a wait");
  expect(waits.body).toContain(`imgfetch --name slipway-next ipxe?mac=${mac}&arch=x86_64 || goto again`);
  expect(guard(asked("ignition", { profile: open }))).toMatchObject({ type: "refuse", status: 503 });
  await lives.admin(mac, "approve");
  expect(guard(asked("ipxe", { profile: open }))).toEqual({ type: "serve" });
  expect(guard(asked("ignition", { profile: open }))).toMatchObject({ type: "serve" });
});

test("an installed machine goes on to its disk: by iPXE on BIOS and UEFI, and by GRUB", async () => {
  const guard = lifeGuard(lives, { menu: true });
  const { secret: _, ...open } = secret;
  const profile = { ...open, install: "once" as const };
  expect(guard(asked("ipxe", { profile }))).toEqual({ type: "serve" });
  await lives.report({ mac, address, stage: "installed" });
  const ipxe = guard(asked("ipxe", { profile }));
  const grub = guard(asked("grub", { profile }));
  if (ipxe.type !== "instead" || grub.type !== "instead") throw new Error("serves");
  expect(ipxe.body).toMatch(/pcbios && sanboot .*\nexit 1\n$/s);
  expect(grub.body).toMatch(/\nexit\n$/);
});

test("a machine that no group is for gets the menu, or as with matchbox nothing", () => {
  const nobody = { group: undefined, profile: undefined };
  const menu = lifeGuard(lives, { menu: true })(asked("ipxe", nobody));
  expect(menu).toMatchObject({
    type: "instead",
    body: expect.stringContaining("nobody has described this machine"),
  });
  expect(lifeGuard(lives, { menu: false })(asked("ipxe", nobody))).toEqual({ type: "serve" });
});

test("what a query says cannot become a command of iPXE's", () => {
  const guard = lifeGuard(lives, { menu: true });
  for (const rawQuery of ["a=b && shell", "a=b\nshell", "a=|| shell"]) {
    const menu = guard(asked("ipxe", { group: undefined, profile: undefined, rawQuery }));
    if (menu.type !== "instead") throw new Error(menu.type);
    expect(menu.body).toContain("slipway-next boot.ipxe ");
  }
});

test("a request for the signature of a config with secrets does not use up its token", () => {
  const guard = lifeGuard(lives, { menu: true });
  const script = guard(asked("ipxe"));
  const token = /token=([\w-]+)/.exec(String("body" in script ? script.body : ""))?.[1];
  expect(guard(asked("ignition", { token, signature: true }))).toMatchObject({ type: "refuse", status: 403 });
  expect(guard(asked("ignition", { token }))).toMatchObject({ type: "serve" });
});
