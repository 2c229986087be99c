/** The direction rules of the rooms (docs/design.md): an import may only point to the right.
 *  cli, console → cluster, netboot, selfhost → machines, node-image, components, kube, plan → spec, ignition, pki → net → base */
const layers = [
  ["cli", "console"],
  ["cluster", "netboot", "selfhost"],
  ["machines", "node-image", "components", "kube", "plan"],
  ["spec", "ignition", "pki"],
  ["net"],
  ["base"],
];

const upward = layers.map((rooms, i) => ({
  name: `${rooms.join("-")}-do-not-look-up`,
  comment: "Rooms depend downwards only.",
  severity: "error",
  from: { path: `^src/(${rooms.join("|")})/` },
  to: { path: `^src/(${layers.slice(0, i).flat().join("|") || "nothing-is-above"})/` },
}));

/** Node modules that reach disk, network, processes or the environment. */
const effects =
  "^(node:)?(fs|fs/promises|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster|os|process|readline)(/|$)";

module.exports = {
  forbidden: [
    ...upward,
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "pure-rooms-have-no-effects",
      comment:
        "pki, plan and ignition (but apply/) compute; they do not touch disk, clock, network or environment.",
      severity: "error",
      from: { path: "^src/(pki|plan|ignition)/", pathNot: ["\\.test\\.ts$", "^src/ignition/apply/"] },
      to: { path: effects },
    },
    {
      name: "programs-are-run-in-one-place",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/base/(run|descriptor)\\.ts$", "\\.test\\.ts$"] },
      to: { path: "^(node:)?child_process$|^node_modules/execa" },
    },
    {
      name: "only-program-knows-commander",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/program\\.ts$" },
      to: { path: "node_modules/commander" },
    },
    {
      name: "index-is-the-public-door",
      severity: "error",
      from: { path: "^src/.+/" },
      to: { path: "^src/index\\.ts$" },
    },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
