import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { ServedLab } from "./served-lab.js";

// Boot files of the lab's own, asked for as firmware does: by DHCP with its architecture, then by TFTP or HTTP.

const text = `network:
  interface: br0
  address: 10.88.0.1
  subnet: 10.88.0.0/24
  mode: dhcp
  range: 10.88.0.50-10.88.0.199
bootFiles:
  uefi-arm64: boot/arm64.efi
machines:
  - name: node1
    mac: "52:54:00:88:03:01"
    bootFile: tftp/grub/grubx64.efi
`;

async function put(lab: ServedLab, path: string, contents: string): Promise<void> {
  const file = join(lab.directory, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, contents);
}

/** CURLE_TFTP_NOTFOUND */
const curlTftpNotFound = 68;

const digits = (architecture: number) => String(architecture).padStart(5, "0");
/** As firmware of that architecture introduces itself. */
const as = (architecture: number, kind = "PXEClient") => [
  ...["-V", `${kind}:Arch:${digits(architecture)}:UNDI:003016`],
  ...["-x", `0x5d:${architecture.toString(16).padStart(4, "0")}`],
];

test("firmware is sent to the lab's own file, and gets it over TFTP and HTTP; nothing else is given away", async () => {
  await using lab = await ServedLab.create();
  const host = await lab.network.addHost("10.88.0.250");
  const setMac = (mac: string) => run("ip", ["-n", host, "link", "set", "eth0", "address", mac]);
  const get = async (url: string) => {
    const { stdout, exitCode } = await lab.on(host, "curl", "-sSf", "--max-time", "5", url);
    return exitCode === 0 ? stdout : undefined;
  };
  await put(lab, "boot/arm64.efi", "for arm64");
  await put(lab, "boot/other", "not named");
  await put(lab, "tftp/grub/grubx64.efi", "grub");
  await put(lab, "tftp/grub/grub.cfg", "set timeout=1");
  await symlink("/etc/passwd", join(lab.directory, "tftp/passwd"));
  await lab.write(text);
  await lab.serve();

  await setMac("52:54:00:88:03:02");
  expect(await lab.lease(host, ...as(11))).toMatch(/ boots boot\/arm64\.efi from 10\.88\.0\.1/);
  expect(await get("tftp://10.88.0.1/boot/arm64.efi")).toBe("for arm64");
  expect(await lab.lease(host, ...as(19, "HTTPClient"))).toMatch(
    / boots http:\/\/10\.88\.0\.1:8080\/boot-files\/boot\/arm64\.efi/,
  );
  const head = await lab.on(host, "curl", "-sSfI", "http://10.88.0.1:8080/boot-files/boot/arm64.efi");
  expect(head.stdout).toMatch(/^Content-Type: application\/efi\r?$/im);
  expect(head.stdout).toMatch(/^Content-Length: 9\r?$/im);
  expect(await get("http://10.88.0.1:8080/boot-files/boot/arm64.efi")).toBe("for arm64");

  // A machine's own, and what that loads from beside it.
  await setMac("52:54:00:88:03:01");
  expect(await lab.lease(host, ...as(7))).toMatch(/ boots grub\/grubx64\.efi from 10\.88\.0\.1/);
  expect(await get("tftp://10.88.0.1/grub/grub.cfg")).toBe("set timeout=1");

  for (const url of [
    "tftp://10.88.0.1/boot/other",
    "tftp://10.88.0.1/passwd",
    "tftp://10.88.0.1/lab.yaml",
    "http://10.88.0.1:8080/boot-files/boot/other",
    "http://10.88.0.1:8080/boot-files/lab.yaml",
    "http://10.88.0.1:8080/boot-files/grub/grub.cfg",
  ]) {
    expect(await get(url), url).toBeUndefined();
  }

  // Without a file: why, and what to do, in the log and in the timeline.
  await setMac("52:54:00:88:03:03");
  expect(await lab.lease(host, ...as(6))).toMatch(/ boots {2}from/);
  const why = /for which Debian has no iPXE; name a file of your own in lab\.yaml, bootFiles: \{ uefi-ia32: /;
  const offer = lab
    .observations()
    .find(({ mac, what }) => mac === "52:54:00:88:03:03" && what === "DISCOVER → OFFER");
  expect(offer).toMatchObject({
    details: { firmware: "uefi-ia32", noBootFile: expect.stringMatching(why) },
  });
  expect((await lab.slipway("netboot", "show", "52:54:00:88:03:03")).stdout).toMatch(why);
  await rm(join(lab.directory, "boot"), { recursive: true });
  await setMac("52:54:00:88:03:02");
  expect(await lab.lease(host, ...as(11))).toMatch(/ boots {2}from/);
  await lab.said(/bootFiles in lab\.yaml names boot\/arm64\.efi, and there is no such file/);
});

test("a Raspberry Pi gets the menu that it looks for, and its files by its serial number", async () => {
  await using lab = await ServedLab.create();
  const host = await lab.network.addHost("10.88.0.250");
  await run("ip", ["-n", host, "link", "set", "eth0", "address", "dc:a6:32:00:00:01"]);
  const rom = ["-V", "PXEClient:Arch:00000:UNDI:002001", "-x", "0x5d:0000", "-O", "43"];
  await lab.write(text);
  await lab.serve();
  await lab.lease(host, ...rom);
  await lab.said(/put those of its boot partition into the lab's directory tftp/);

  const kernel = "k".repeat(3_000_000);
  await put(lab, "tftp/bootcode.bin", "for a Pi 3");
  await put(lab, "tftp/9ffefdef/start4.elf", "for this Pi 4");
  await put(lab, "tftp/9ffefdef/kernel8.img", kernel);
  await lab.said(/the lab changed; what is new serves/);
  const menu = Buffer.from("Raspberry Pi Boot").toString("hex");
  expect(await lab.lease(host, ...rom)).toMatch(new RegExp(`from 10\\.88\\.0\\.1 .*${menu}`));
  for (const [path, contents] of [
    ["bootcode.bin", "for a Pi 3"],
    ["9ffefdef/start4.elf", "for this Pi 4"],
    ["9ffefdef/kernel8.img", kernel],
  ]) {
    const { stdout } = await lab.on(
      host,
      "curl",
      "-sSf",
      "--tftp-blksize",
      "1024",
      `tftp://10.88.0.1/${path}`,
    );
    expect(stdout === contents, path).toBe(true);
  }
  // It asks for files that are not there, and goes on.
  const missing = await lab.on(host, "curl", "-sSf", "tftp://10.88.0.1/bootsig.bin");
  expect(missing.exitCode, missing.stderr).toBe(curlTftpNotFound);
});
