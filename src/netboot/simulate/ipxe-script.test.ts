// biome-ignore-start lint/suspicious/noTemplateCurlyInString: iPXE's own settings
import { expect, test } from "vitest";
import { runScripts } from "./ipxe-script.js";
import { IpxeSettings } from "./ipxe-settings.js";
import type { RanLine } from "./ipxe-state.js";

const base = "http://10.88.0.1:8080/boot.ipxe";

/** Runs a script; `others` are scripts by path, `missing` what is not there. */
async function run(
  lines: readonly string[],
  { others = {}, missing = [] }: { others?: Record<string, string[]>; missing?: string[] } = {},
) {
  const settings = new IpxeSettings({
    mac: "52:54:00:aa:00:01",
    platform: "pcbios",
    buildarch: "x86_64",
    hostname: "",
    serial: "A 1",
  });
  const ran: RanLine[][] = [];
  const fetched: string[] = [];
  const end = await runScripts(
    {
      settings,
      begin: (_, list) => ran.push(list),
      async fetch(url, as) {
        const path = url.replace("http://10.88.0.1:8080/", "");
        fetched.push(`${as} ${path}`);
        if (missing.includes(path)) return { ok: false, because: "404: no such file" };
        return { ok: true, script: as === "script" ? others[path]?.join("\n") : undefined };
      },
    },
    base,
    ["#!ipxe", ...lines].join("\n"),
  );
  return { end, ran: ran.map((list) => list.map(({ command }) => command)), fetched };
}

const because = async (...args: Parameters<typeof run>) => {
  const { end } = await run(...args);
  return "because" in end ? `${end.type}: ${end.because}` : end.type;
};

test("a boot profile's script boots its kernel", async () => {
  const { end, fetched } = await run([
    "kernel /assets/vmlinuz console=ttyS0 url=http://x/ignition?mac=${mac:hexhyp}&serial=${serial:uristring}",
    "initrd --name one /assets/a.cpio.gz",
    "initrd /assets/b.cpio.gz",
    "boot",
  ]);
  expect(fetched).toEqual(["kernel assets/vmlinuz", "initrd assets/a.cpio.gz", "initrd assets/b.cpio.gz"]);
  expect(end).toEqual({
    type: "kernel",
    kernel: {
      url: "http://10.88.0.1:8080/assets/vmlinuz",
      name: "vmlinuz",
      args: ["console=ttyS0", "url=http://x/ignition?mac=52-54-00-aa-00-01&serial=A%201"],
    },
    initrds: [
      { url: "http://10.88.0.1:8080/assets/a.cpio.gz", name: "one", args: [] },
      { url: "http://10.88.0.1:8080/assets/b.cpio.gz", name: "b.cpio.gz", args: [] },
    ],
  });
});

test("a chain goes on with the other script; what fails there ends it, and says where", async () => {
  const others = { "ipxe?mac=52-54-00-aa-00-01": ["#!ipxe", "kernel k", "boot"] };
  const chain = ["chain ipxe?mac=${mac:hexhyp}"];
  expect((await run(chain, { others })).end.type).toBe("kernel");
  expect(await because(chain, { others, missing: ["k"] })).toBe(
    "failed: http://10.88.0.1:8080/ipxe?mac=52-54-00-aa-00-01:2: 404: no such file",
  );
  expect(await because(chain, { missing: ["ipxe?mac=52-54-00-aa-00-01"] })).toBe(
    `failed: ${base}:2: 404: no such file`,
  );
});

test("|| and && go by what came before, each command expanded in its turn", async () => {
  const { ran } = await run([
    "iseq ${platform} efi && echo efi || echo bios",
    "iseq ${platform} pcbios && set what disk && echo ${what}",
    "isset ${hostname} || set hostname node1",
    "isset ${hostname} && echo ${hostname} || echo nameless",
    "iseq a b ||",
    "goto end",
    "echo never",
    ":end",
    "iseq a b",
    "echo never",
  ]);
  expect(ran[0]).toEqual([
    "iseq pcbios efi",
    "echo bios",
    "iseq pcbios pcbios",
    "set what disk",
    "echo disk",
    "isset ",
    "set hostname node1",
    "isset node1",
    "echo node1",
    "iseq a b",
    "goto end",
    "iseq a b",
  ]);
});

test("a menu takes its default when its time is over, and waits without one", async () => {
  const menu = ["menu What?", "item one First", "item two Second"];
  const { end, ran } = await run([
    ...menu,
    "choose --timeout 5000 --default two choice && goto ${choice} || goto one",
    ":one",
    "exit 1",
    ":two",
    "sanboot --no-describe --drive 0x80",
  ]);
  expect(end).toEqual({ type: "disk", because: "the script boots the machine's own disk" });
  expect(ran[0]).toContain("goto two");
  expect(await because([...menu, "choose choice"])).toBe(
    'asks: the menu "What?" waits for somebody to choose',
  );
});

test("one that asks again and gets the same waits; one that does not sleep goes in a circle", async () => {
  const wait = [
    "#!ipxe",
    ":again",
    "sleep 10",
    "imgfetch --name next ipxe || goto again",
    "imgexec --replace --autofree next || exit 1",
  ];
  expect(await because(["chain ipxe"], { others: { ipxe: wait } })).toMatch(/^waits: it asks again/);
  expect(await because(["chain ipxe"], { others: { ipxe: ["#!ipxe", "chain ipxe"] } })).toMatch(
    /^stopped: the scripts go round in a circle/,
  );
  expect(await because([":loop", "goto loop"])).toMatch(/^stopped: .* goes round in a circle/);
});

test("an unknown command stops the simulation where it stands", async () => {
  expect(await because(["echo x", "imgverify kernel kernel.sig"])).toBe(
    `unknown: ${base}:3: what iPXE's command imgverify would do is not known here`,
  );
  expect(await because(["goto nowhere"])).toBe(`failed: ${base}:2: there is no label nowhere`);
  expect(await because(["exit 1"])).toBe(`failed: ${base}:2: the script gives up here`);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: iPXE's own settings
