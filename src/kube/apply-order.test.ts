import { expect, test } from "vitest";
import { inStages } from "./apply-order.js";

const kindsIn = (...kinds: string[]) =>
  inStages(
    kinds.map((kind) => {
      const [apiVersion, name] = kind.includes(" ") ? kind.split(" ") : ["v1", kind];
      return { apiVersion: apiVersion!, kind: name! };
    }),
  ).map((stage) => stage.map(({ kind }) => kind));

test("what others need goes first, what stands in the way of others last", () => {
  expect(
    kindsIn(
      "apiregistration.k8s.io/v1 APIService",
      "apps/v1 Deployment",
      "rbac.authorization.k8s.io/v1 ClusterRoleBinding",
      "rbac.authorization.k8s.io/v1 ClusterRole",
      "ConfigMap",
      "Namespace",
      "ServiceAccount",
    ),
  ).toEqual([
    ["Namespace"],
    ["ClusterRole", "ConfigMap", "ServiceAccount"],
    ["ClusterRoleBinding"],
    ["Deployment"],
    ["APIService"],
  ]);
});

test("custom resources come after their definitions, whatever they are called", () => {
  expect(
    kindsIn("example.com/v1 Namespace", "apiextensions.k8s.io/v1 CustomResourceDefinition", "batch/v1 Job"),
  ).toEqual([["CustomResourceDefinition"], ["Namespace", "Job"]]);
  expect(
    kindsIn("gateway.networking.k8s.io/v1 Gateway", "apiextensions.k8s.io/v1 CustomResourceDefinition"),
  ).toEqual([["CustomResourceDefinition"], ["Gateway"]]);
});

test("nothing gives no stage", () => expect(kindsIn()).toEqual([]));
