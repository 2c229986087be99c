import { expect, test } from "vitest";
import { translateButane } from "./translate.js";

const translate = (text: string) => translateButane(text, { file: "a.bu" });

test("a config becomes Ignition, and what is odd has its place", () => {
  const { config, problems } = translate(`variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: hello
      owner: root
`);
  expect(config).toEqual({
    ignition: { version: "3.4.0" },
    storage: {
      files: [{ path: "/etc/motd", mode: 0o644, contents: { source: "data:,hello", compression: "" } }],
    },
  });
  expect(problems).toMatchObject([
    { file: "a.bu", line: 9, column: 14, severity: "warning", path: ["storage", "files", 0, "owner"] },
  ]);
});
