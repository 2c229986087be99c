import { expect, test } from "vitest";
import { answerRequest } from "./answer.js";
import type { TftpRequest } from "./codec.js";
import { normalName, tftpFiles } from "./files.js";

const limits = { maxBlockSize: 1468, maxWindowSize: 64 };
const big = { size: 2 ** 33, open: () => Promise.reject(new Error("not opened for an answer")) };
const files = tftpFiles([
  ["/ipxe.efi", Buffer.alloc(1000)],
  ["text", Buffer.from("a\nb\rc\r\n")],
  ["boot\\initrd", big],
]);

const ask = (file: string, more: Partial<TftpRequest> = {}, asked: Record<string, string> = {}) =>
  answerRequest(
    { type: "read", file, mode: "octet", options: new Map(Object.entries(asked)), ...more },
    files,
    limits,
  );
const granted = (asked: Record<string, string>, file = "ipxe.efi") => {
  const answer = ask(file, {}, asked);
  return answer.type === "transfer" ? Object.fromEntries(answer.terms.granted) : answer;
};

test.each([
  ["ipxe.efi", "ipxe.efi"],
  ["/ipxe.efi", "ipxe.efi"],
  ["//./EFI\\BOOT/.//x", "EFI/BOOT/x"],
  ["ipxe.efi\uFFFD", "ipxe.efi"],
  ["", undefined],
  ["/", undefined],
  ["../etc/passwd", undefined],
  ["a/../../b", undefined],
  ["..\\x", undefined],
])("the name %j is %j", (written, name) => {
  expect(normalName(written)).toBe(name);
});

test("two names that are the same are refused", () => {
  const file = Buffer.alloc(1);
  expect(() =>
    tftpFiles([
      ["a/b", file],
      ["\\a\\b", file],
    ]),
  ).toThrow(/same file as "a\/b"/);
  expect(() => tftpFiles([["../a", file]])).toThrow(/cannot be the name/);
});

test("only what is on the list is served, and only to be read", () => {
  expect(ask("/ipxe.efi")).toMatchObject({ type: "transfer", name: "ipxe.efi" });
  expect(ask("EFI/ipxe.efi")).toMatchObject({ type: "refusal", code: 1 });
  expect(ask("/etc/passwd")).toMatchObject({ type: "refusal", code: 1 });
  expect(ask("__proto__")).toMatchObject({ type: "refusal", code: 1 });
  expect(ask("../ipxe.efi")).toMatchObject({ type: "refusal", code: 2 });
  expect(ask("ipxe.efi", { type: "write" })).toMatchObject({ type: "refusal", code: 2 });
  expect(ask("ipxe.efi", { mode: "mail" })).toMatchObject({ type: "refusal", code: 4 });
});

test("netascii changes line ends, and the size that is told is the changed one", () => {
  const answer = ask("text", { mode: "netascii" }, { tsize: "0" });
  if (answer.type !== "transfer") throw new Error(answer.why);
  expect(answer.source.get(0, 100)).toEqual(Buffer.from("a\r\nb\r\0c\r\0\r\n"));
  expect(answer.terms.granted.get("tsize")).toBe("11");
  expect(ask("boot/initrd", { mode: "netascii" })).toMatchObject({ type: "refusal", code: 4 });
});

test("options are granted as asked, within the limits, and none that was not asked", () => {
  expect(granted({})).toEqual({});
  expect(granted({ tsize: "0" })).toEqual({ tsize: "1000" });
  expect(granted({ tsize: "0" }, "boot/initrd")).toEqual({ tsize: String(2 ** 33) });
  expect(granted({ blksize: "65464", windowsize: "65535", timeout: "255" })).toEqual({
    blksize: "1468",
    windowsize: "64",
    timeout: "255",
  });
  expect(granted({ blksize: "512", windowsize: "1" })).toEqual({ blksize: "512", windowsize: "1" });
  expect(granted({ multicast: "", rollover: "1" })).toEqual({});
});

test.each([
  ["blksize", "7"],
  ["blksize", "65465"],
  ["blksize", "1e3"],
  ["blksize", "-512"],
  ["blksize", ""],
  ["blksize", "9".repeat(400)],
  ["windowsize", "0"],
  ["windowsize", "65536"],
  ["timeout", "0"],
  ["timeout", "256"],
  ["tsize", "x"],
])("%s %j is passed over", (name, value) => {
  expect(granted({ [name]: value })).toEqual({});
});
