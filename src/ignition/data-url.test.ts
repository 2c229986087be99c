import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeDataUrl, encodeDataUrl } from "./data-url.js";

const text = (url: string) => Buffer.from(decodeDataUrl(url)).toString("utf8");

test("any bytes survive", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Buffer.from(decodeDataUrl(encodeDataUrl(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

test("any text survives", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (value) => {
      expect(text(encodeDataUrl(value))).toBe(value);
    }),
  );
});

test("no string makes it fail in another way than by saying so", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((tail) => `data:${tail}`),
      ),
      (url) => {
        try {
          decodeDataUrl(url);
        } catch (error) {
          expect(error).toMatchObject({ code: "NODE_CONFIG_INVALID" });
        }
      },
    ),
  );
});

test("the shorter encoding is used", () => {
  expect(encodeDataUrl("")).toBe("data:,");
  expect(encodeDataUrl("demo-1\n")).toBe("data:,demo-1%0A");
  expect(encodeDataUrl("[Service]\nEnvironment=A=\u00e4\u00f6\u00fc")).toMatch(/^data:;base64,/);
});

test.each([
  ["data:,", ""],
  ["data:,a%20b", "a b"],
  ["data:,a+b?c=d,e;f", "a+b?c=d,e;f"],
  ["data:text/plain,x", "x"],
  ["data:text/plain;charset=utf-8;base64,aGk=", "hi"],
  ['data:text/plain;a="b;c\\"d",x', "x"],
  ["data:;base64,aGk=", "hi"],
  ["data:x-thing/y,z", "z"],
  ["data:;base64,", ""],
])("%s holds %j", (url, contents) => {
  expect(text(url)).toBe(contents);
});

test.each([
  "DATA:,x",
  "data:x",
  "data:text,x",
  "data:font/woff,x",
  "data:;base64;,x",
  "data:,a b",
  "data:,a#b",
  "data:,%2",
  "data:,%zz",
  "data:,\u00e4",
  "data:;base64,aGk",
  "data:;base64,a-_=",
  "data:;base64,aGk%3D",
  "data:;charset,x",
])("%s is refused", (url) => {
  expect(() => decodeDataUrl(url)).toThrow(expect.objectContaining({ code: "NODE_CONFIG_INVALID" }));
});
