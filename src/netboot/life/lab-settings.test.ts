import { expect, test } from "vitest";
import { parseLab } from "../inventory/lab.js";

const lab = (more: string) =>
  parseLab(`apiVersion: slipway.dev/v1alpha1\nkind: Lab\n${more}`, "lab.yaml", "/lab");

test("a lab.yaml says who approves, what installs once, and what holds secrets", () => {
  const { lab: read, problems } = lab(`
approve: manual
http: { events: true }
groups:
  - { id: disk, profile: installer, install: once }
  - { id: rest, profile: worker }
profiles:
  - { id: installer, kernel: /assets/vmlinuz, secret: true }
  - { id: worker, kernel: /assets/vmlinuz, install: once, secret: false }
`);
  expect(problems).toEqual([]);
  expect(read?.settings).toMatchObject({ approve: "manual", http: { events: true } });
  expect(read?.groups.map(({ install }) => install)).toEqual(["once", undefined]);
  expect(read?.profiles.map(({ install, secret }) => [install, secret])).toEqual([
    [undefined, true],
    ["once", undefined],
  ]);
});

test("what is not one of the words is an error with its place", () => {
  const { problems } = lab("approve: always\n");
  expect(problems).toMatchObject([{ severity: "error", place: { line: 3 }, path: "approve" }]);
});
