import fc from "fast-check";
import { expect, test } from "vitest";
import { publishedHash } from "./checksums.js";

const hash = "a".repeat(64);
const other = "b".repeat(64);

test.each([
  ["a bare hash, as dl.k8s.io has it", hash],
  ["a bare hash with a newline", `${hash}\n`],
  ["sha256sum's line", `${hash}  kubelet\n`],
  ["sha256sum's line in binary mode", `${hash} *kubelet\n`],
  ["a name with a directory", `${hash}  ./release/kubelet\n`],
  ["the right one of several", `${other}  kubeadm\r\n${hash.toUpperCase()}  kubelet\r\n`],
])("reads %s", (_, text) => expect(publishedHash(text, "kubelet")).toBe(hash));

test.each([
  ["nothing", ""],
  ["another file's hash", `${hash}  kubeadm\n`],
  ["two bare hashes", `${hash}\n${other}\n`],
  ["a short hash", "abc123  kubelet"],
  ["a page", "<html>404 kubelet</html>"],
])("does not accept %s", (_, text) =>
  expect(() => publishedHash(text, "kubelet")).toThrow("do not name kubelet"),
);

test("whatever the text, the answer is a hash of that text or an error", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (text, name) => {
      try {
        const found = publishedHash(text, name);
        return /^[0-9a-f]{64}$/.test(found) && text.toLowerCase().includes(found);
      } catch (error) {
        return error instanceof Error && error.name === "SlipwayError";
      }
    }),
  );
});
