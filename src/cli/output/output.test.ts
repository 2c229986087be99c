import { expect, test } from "vitest";
import { capabilitiesOf } from "./capabilities.js";
import { amount, bytes, seconds } from "./figures.js";
import { table } from "./table.js";

test.each([
  [{ isTTY: true }, {}, { color: true, live: true }],
  [{ isTTY: false }, {}, { color: false, live: false }],
  [{ isTTY: true }, { NO_COLOR: "1" }, { color: false, live: true }],
  [{ isTTY: true }, { NO_COLOR: "" }, { color: true, live: true }],
  [{ isTTY: true }, { TERM: "dumb" }, { color: false, live: false }],
  [{ isTTY: true }, { CI: "true" }, { color: true, live: false }],
  [{ isTTY: false }, { FORCE_COLOR: "1" }, { color: true, live: false }],
  [{ isTTY: true }, { FORCE_COLOR: "0" }, { color: false, live: true }],
  [{ isTTY: false }, { FORCE_COLOR: "1", NO_COLOR: "1" }, { color: false, live: false }],
])("stream %j with %j shows %j", (stream, env, expected) => {
  expect(capabilitiesOf(stream, env)).toEqual(expected);
});

test("the flag wins over the environment", () => {
  expect(capabilitiesOf({ isTTY: true }, { FORCE_COLOR: "1" }, { noColor: true }).color).toBe(false);
});

test("figures are short and have units", () => {
  expect([0, 340, 12_345, 99_949, 185_000].map(seconds)).toEqual([
    "0.0 s",
    "0.3 s",
    "12.3 s",
    "99.9 s",
    "3 min 5 s",
  ]);
  expect([0, 512, 1000, 3_565_158, 146_800_640, 2 ** 40].map(bytes)).toEqual([
    "0 B",
    "512 B",
    "1.0 KiB",
    "3.4 MiB",
    "140 MiB",
    "1.0 TiB",
  ]);
  expect(amount(120, 812, "packages")).toBe("120 of 812 packages");
  expect(amount(412, 1300, "packages")).toBe("412 of 1,300 packages");
  expect(amount(1, undefined, "packages")).toBe("1 package");
  expect(amount(2, undefined, "files")).toBe("2 files");
  expect(amount(1024, undefined, "bytes")).toBe("1.0 KiB");
  expect(amount(1024, 4096, "bytes")).toBe("1.0 KiB of 4.0 KiB");
});

test("a figure that tells nothing is left out", () => {
  expect(amount(0, undefined, "packages")).toBe("");
  expect(amount(0, 1, "files")).toBe("");
  expect(amount(1, 1, "files")).toBe("");
});

test("a table is as wide as its cells and has no trailing space", () => {
  const rows = [
    ["demo", "running"],
    ["a-longer-name", ""],
  ];
  expect(table(["name", "state"], rows)).toBe("NAME           STATE\ndemo           running\na-longer-name");
});
