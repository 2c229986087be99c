import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlipwayError } from "../../base/errors.js";
import { upstreamVersion } from "./debian.js";
import { executableName } from "./go-compile.js";
import { goFailure } from "./go-tool.js";
import { withoutImports, workspaceModule } from "./go-workspace.js";

describe("the workspace's go.mod", () => {
  test("takes Kubernetes' staging modules from where they are published", () => {
    const text = workspaceModule(
      {
        Go: "1.26.0",
        GoDebug: [{ Key: "default", Value: "go1.26" }],
        Require: [
          { Path: "k8s.io/api", Version: "v0.0.0" },
          { Path: "k8s.io/utils", Version: "v0.0.0-20260210185600-b8788abfbbc2" },
          { Path: "k8s.io/klog/v2", Version: "v2.130.1" },
        ],
        Replace: [{ Old: { Path: "k8s.io/api" }, New: { Path: "./staging/src/k8s.io/api" } }],
      },
      { path: "k8s.io/kubernetes", version: "v1.36.3" },
    );
    expect(text.split("\n")).toEqual([
      "module slipway.build/workspace",
      "go 1.26.0",
      "godebug default=go1.26",
      "require k8s.io/api v0.36.3",
      "require k8s.io/utils v0.0.0-20260210185600-b8788abfbbc2",
      "require k8s.io/klog/v2 v2.130.1",
      "require k8s.io/kubernetes v1.36.3",
      "replace k8s.io/api => k8s.io/api v0.36.3",
      "",
    ]);
  });

  test("takes etcd's own modules at the version that is required, and keeps forks", () => {
    const text = workspaceModule(
      {
        Require: [{ Path: "go.etcd.io/etcd/api/v3", Version: "v3.6.8" }],
        Replace: [
          { Old: { Path: "go.etcd.io/etcd/api/v3" }, New: { Path: "../api" } },
          { Old: { Path: "go.etcd.io/etcd" }, New: { Path: "./FORBIDDEN_DEPENDENCY" } },
          {
            Old: { Path: "example.com/a", Version: "v1.0.0" },
            New: { Path: "example.com/fork", Version: "v1.0.1" },
          },
        ],
      },
      { path: "go.etcd.io/etcd/server/v3", version: "v3.6.8" },
    );
    expect(text).toContain("require go.etcd.io/etcd/api/v3 v3.6.8\n");
    expect(text).toContain("replace example.com/a v1.0.0 => example.com/fork v1.0.1\n");
    expect(text).not.toContain("..");
    expect(text).not.toContain("FORBIDDEN");
  });
});

test("imports are taken out, and must have been there", () => {
  const source = 'import (\n\t_ "a/backend/udp"\n\t_ "a/backend/vxlan"\n\t"a/backend/udp"\n)\n';
  expect(withoutImports(source, ["/backend/udp"])).toBe(
    'import (\n\t_ "a/backend/vxlan"\n\t"a/backend/udp"\n)\n',
  );
  expect(() => withoutImports(source, ["/backend/ipip"])).toThrow("/backend/ipip");
});

test.each([
  ["k8s.io/kubernetes/cmd/kubelet", "kubelet"],
  ["go.etcd.io/etcd/server/v3", "server"],
  ["github.com/containerd/containerd/v2/cmd/ctr", "ctr"],
  ["github.com/coreos/ignition/v2/internal", "internal"],
  ["example.com/v1", "v1"],
])("go calls %s %s", (path, name) => expect(executableName(path)).toBe(name));

test.each([
  ["1:1.35.0-4+deb12u1+b1", "1.35.0"],
  ["1.1.5+ds1-1", "1.1.5"],
  ["2.0", "2.0"],
  ["1.0~rc1-1", "1.0"],
])("Debian's %s is upstream's %s", (version, upstream) => expect(upstreamVersion(version)).toBe(upstream));

test("a Debian version of an upstream one leads back to it", () => {
  const number = fc.array(fc.nat(99), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
  fc.assert(
    fc.property(number, fc.option(fc.nat(9)), fc.nat(99), (upstream, epoch, revision) => {
      const version = `${epoch === null ? "" : `${epoch}:`}${upstream}-${revision}+deb12u1`;
      expect(upstreamVersion(version)).toBe(upstream);
    }),
  );
});

describe("of go's output the telling line is shown", () => {
  const failureOf = (output: string) =>
    goFailure(
      new SlipwayError("PROGRAM_FAILED", "go failed", { details: { output } }),
      "it did not compile",
    ) as SlipwayError;

  test("a proxy's refusal", () => {
    const error = failureOf(
      "go: downloading a v1\na@v1: reading https://p/a.zip: 403 Forbidden\n\tserver response: no",
    );
    expect(error.message).toBe("it did not compile: a@v1: reading https://p/a.zip: 403 Forbidden");
  });
  test("a Go that is too old, with the fix", () => {
    const error = failureOf("go: go.mod requires go >= 1.26.0 (running go 1.19; GOTOOLCHAIN=local)");
    expect(error.hint).toContain("go.dev/dl");
  });
  test("a full disk, as what it is", () => {
    expect(failureOf("x\nwrite /tmp/go-build1/a: no space left on device").code).toBe("DISK_FULL");
  });
});
