import { errorCodes } from "../../base/errors.js";
import type { StoredComponent } from "../../components/component.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { componentsOfCluster, namedComponents, sourceFlags, sourcesOf } from "../component-flags.js";
import { bytes } from "../output/figures.js";
import { table } from "../output/table.js";

const names = {
  name: "NAME",
  summary: "A component, or one at a version: etcd, etcd@v3.6.8",
  variadic: true,
  complete: "component",
} as const;

const list = defineCommand({
  name: "components list",
  aliases: ["ls"],
  summary: "List what there is, and what the store has",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { catalog } = await import("../../components/catalog.js");
    const { listComponents } = await import("../../components/store.js");
    const stored = new Map(
      (await listComponents(cli.context)).map((one) => [`${one.name}@${one.version}`, one]),
    );
    const rows = catalog().flatMap(({ name, kind, versions }) =>
      versions.map((version) => {
        const one = stored.get(`${name}@${version}`);
        return { name, version, kind, stored: one !== undefined, ...(one ? facts(one) : {}) };
      }),
    );
    await cli.show(rows, () =>
      table(
        ["component", "version", "kind", "size", "from"],
        rows.map((row) => [
          row.name,
          row.version,
          row.kind,
          row.sizeBytes === undefined ? "-" : bytes(row.sizeBytes),
          row.origin ?? "",
        ]),
      ),
    );
  },
});

const facts = ({ sizeBytes, sha256, provenance }: StoredComponent) => ({ sizeBytes, sha256, ...provenance });

const fetch = defineCommand({
  name: "components fetch",
  summary: "Get components into the store, from the first source that has them",
  description: "Without names: all that a cluster needs.",
  arguments: [{ ...names, optional: true }],
  flags: sourceFlags,
  examples: [
    ["components fetch", "all that slipway start needs"],
    ["components fetch --kubernetes-version 1.35", "for another version"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, words, flags) {
    const version = flags["kubernetes-version"];
    const refs = words.length > 0 ? namedComponents(words, version) : await componentsOfCluster(flags, cli);
    const { ensureComponents } = await import("../../components/ensure.js");
    const stored = await ensureComponents(refs, sourcesOf(flags), cli.context);
    cli.done({ components: [...stored.values()] }, `${stored.size} components are in the store`);
  },
});

const build = defineCommand({
  name: "components build",
  summary: "Build components from their released Go sources",
  arguments: [names],
  flags: {
    "kubernetes-version": sourceFlags["kubernetes-version"],
    force: { type: "boolean", summary: "Also those that the store has" },
  },
  outputs: ["text", "json"],
  streams: true,
  async run(cli, words, flags) {
    const refs = namedComponents(words, flags["kubernetes-version"]);
    const [{ findComponent }, { fetchFrom }, { goModuleSource }, { debianSource }, { recipeSource }, store] =
      await Promise.all([
        import("../../components/catalog.js"),
        import("../../components/acquire.js"),
        import("../../components/sources/go-module.js"),
        import("../../components/sources/debian.js"),
        import("../../components/sources/recipe.js"),
        import("../../components/store.js"),
      ]);
    if (flags.force) await store.dropComponents(refs, cli.context);
    const there = await Promise.all(refs.map((ref) => store.lookUp(ref, cli.context)));
    const missing = refs.filter((_, i) => there[i] === undefined).map(findComponent);
    const built = await fetchFrom([goModuleSource, debianSource, recipeSource], missing, cli.context);
    cli.done(
      { components: [...built.values()] },
      built.size === 0
        ? "the store has them all; --force builds them again"
        : `built: ${[...built.keys()].join(", ")}`,
    );
  },
});

const verify = defineCommand({
  name: "components verify",
  summary: "Take the hash of everything in the store again",
  description: `The exit code is ${errorCodes.COMPONENT_CORRUPT.exitCode} when a file is not what it was.`,
  flags: {
    remove: { type: "boolean", summary: "Remove what is damaged; it is got again when it is needed" },
  },
  outputs: ["text", "json", "yaml"],
  async run(cli, _args, flags) {
    const { dropComponents, verifyComponents } = await import("../../components/store.js");
    const { good, bad } = await verifyComponents(cli.context);
    if (flags.remove) await dropComponents(bad, cli.context);
    await cli.show({ good: good.length, bad }, () =>
      [
        ...bad.map(
          ({ name, version, path, expected, found }) =>
            `${name} ${version}: ${path}: expected ${expected}, found ${found}${flags.remove ? "; removed" : ""}`,
        ),
        `${good.length} good, ${bad.length} damaged`,
      ].join("\n"),
    );
    return bad.length === 0 ? 0 : errorCodes.COMPONENT_CORRUPT.exitCode;
  },
});

export const command: CommandGroup = {
  name: "components",
  summary: "List, fetch, build or verify what clusters are made of",
  commands: [list, fetch, build, verify],
};
