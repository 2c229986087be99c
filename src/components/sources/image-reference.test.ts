import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBearerChallenge, parseImageReference } from "./image-reference.js";

test.each([
  ["registry.k8s.io/pause:3.10.1", "https://registry.k8s.io", "pause", "3.10.1"],
  ["docker.io/library/busybox:1.35.0", "https://registry-1.docker.io", "library/busybox", "1.35.0"],
  ["127.0.0.1:5000/a/b/c:v1", "http://127.0.0.1:5000", "a/b/c", "v1"],
  ["localhost:5000/a:v1", "http://localhost:5000", "a", "v1"],
])("%s", (text, registryUrl, repository, tag) => {
  expect(parseImageReference(text)).toEqual({ registryUrl, repository, tag });
});

test.each([
  "",
  "registry.k8s.io/../x:1",
  "registry.k8s.io/UPPER:1",
  "a b/c:d",
  `r.io/a@sha256:${"a".repeat(64)}`,
])("%j is refused", (text) => expect(() => parseImageReference(text)).toThrow("is not an image reference"));

test("a token challenge is read whatever the order and the spaces", () => {
  const header =
    'Bearer realm="https://auth.example.com/token", service="registry" ,scope="repository:a/b:pull"';
  expect(parseBearerChallenge(header)).toEqual({
    realm: "https://auth.example.com/token",
    service: "registry",
    scope: "repository:a/b:pull",
  });
  expect(parseBearerChallenge('Basic realm="x"')).toBeUndefined();
});

test("a challenge written out is read back", () => {
  const value = fc.string().filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.record({ realm: value, service: value, scope: value }), (parameters) => {
      const quoted = Object.entries(parameters).map(([k, v]) => `${k}="${v.replace(/["\\]/g, "\\$&")}"`);
      expect(parseBearerChallenge(`Bearer ${quoted.join(",")}`)).toEqual(parameters);
    }),
  );
});
