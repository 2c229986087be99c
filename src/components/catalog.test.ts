import { describe, expect, test } from "vitest";
import { catalog, defaultKubernetesVersion, expand, findComponent, refOf } from "./catalog.js";
import { imageRecipes } from "./image-recipes.js";
import { sourcesFor } from "./sources/order.js";

const everyComponent = catalog().flatMap(({ name, versions }) =>
  versions.map((version) => findComponent({ name, version })),
);

test("names are there once", () => {
  const names = catalog().map(({ name }) => name);
  expect(names.length).toBe(new Set(names).size);
});

test("every component has a source, at every version", () => {
  const sources = sourcesFor({});
  for (const component of everyComponent) {
    const kinds = sources.filter((source) => source.groupOf(component) !== undefined);
    expect(kinds.length, component.name).toBeGreaterThan(0);
  }
});

test("every text can be filled in", () => {
  for (const component of everyComponent) {
    const { upstream, registry, build } = component.entry;
    const texts = [
      ...(upstream ? [upstream.url, upstream.checksumUrl, upstream.member ?? ""] : []),
      registry ?? "",
      ...(build?.language === "go" ? (build.ldflags ?? []) : []),
      ...(build?.language === "c" ? build.flags : []),
    ];
    for (const text of texts) {
      expect(expand(text, component, { commit: "c", time: "t" })).not.toMatch(/[{}]|undefined/);
    }
  }
});

test("all commands of Kubernetes are built in one go", () => {
  const go = sourcesFor({}).find(({ kind }) => kind === "go-module")!;
  const keyOf = (name: string) => go.groupOf(findComponent(refOf(name)));
  const commands = [
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
  ];
  for (const name of commands) expect(keyOf(name)).toBe(keyOf("kube-apiserver"));
  expect(keyOf("kube-apiserver")).not.toBe(keyOf("agnhost"));
});

describe("recipes", () => {
  test.each(Object.keys(imageRecipes))("%s is in the catalog, with its parts", (name) => {
    expect(findComponent(refOf(name)).entry.kind).toBe("image");
    for (const part of imageRecipes[name]!.components) {
      expect(findComponent(refOf(part.name, refOf(name).version)).entry.kind).toBe("binary");
    }
  });
});

test("an image's part is of the image's version where it exists at that", () => {
  expect(refOf("kubelet", "v1.34.4").version).toBe("v1.34.4");
  expect(refOf("pause", "v1.34.4").version).toBe("3.10.1");
  expect(refOf("kubelet").version).toBe(defaultKubernetesVersion);
});

test("what there is not is said with what there is", () => {
  expect(() => findComponent({ name: "kubelot", version: "v1" })).toThrow('no component named "kubelot"');
  expect(() => findComponent({ name: "kubelet", version: "v1.2.3" })).toThrow("no kubelet v1.2.3");
});
