import { expect, test } from "vitest";
import { bootMenu, menuChoices } from "./menu.js";

test("every choice leads somewhere, and the end is exit 1", () => {
  const lines = bootMenu().split("\n");
  expect(lines[0]).toBe("#!ipxe");
  expect(lines.at(-2)).toBe("exit 1");
  expect(lines.at(-1)).toBe("");
  const labels = lines.filter((line) => line.startsWith(":")).map((line) => line.slice(1));
  const items = lines.filter((line) => line.startsWith("item ")).map((line) => line.split(" ")[1]);
  const targets = lines.flatMap((line) => [...line.matchAll(/goto (\w+)/g)].map(([, label]) => label));
  expect(items).toEqual([...menuChoices]);
  for (const label of [...items, ...targets]) expect(labels).toContain(label);
  expect(new Set(labels).size).toBe(labels.length);
});

test("what is done when nobody chooses", () => {
  expect(bootMenu()).toContain("choose --timeout 30000 --default disk choice");
  expect(bootMenu({ choice: "retry", timeoutSeconds: 5 })).toContain(
    "choose --timeout 5000 --default retry choice",
  );
  expect(bootMenu({ choice: "shell", timeoutSeconds: 0 })).toContain("choose --default shell choice");
  expect(bootMenu({ script: "http://10.88.0.1:8080/boot.ipxe?a=b&c=d" })).toContain(
    "imgfetch --name slipway-next http://10.88.0.1:8080/boot.ipxe?a=b&c=d ||",
  );
});

test("it says what groups select machines by", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: iPXE's own settings
  for (const setting of ["${mac}", "${uuid}", "${serial}", "${manufacturer}", "${product}", "${buildarch}"]) {
    expect(bootMenu()).toContain(setting);
  }
});

test.each([
  [{ timeoutSeconds: -1 }],
  [{ timeoutSeconds: 1.5 }],
  [{ timeoutSeconds: 1e9 }],
  [{ script: "boot.ipxe\nshell" }],
  [{ script: "a b" }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: iPXE's own settings
  [{ script: "${filename}" }],
  [{ script: "" }],
])("%j is refused", (options) => {
  expect(() => bootMenu(options)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});
