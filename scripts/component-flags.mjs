// Writes src/spec/component-flags.json: which flags, configuration fields and feature gates each component has, of every
// Kubernetes minor release that slipway offers. Each is taken from the component itself: flags from its `--help`, fields from
// its Go types, gates from the release's own list.
//
//   node scripts/component-flags.mjs 1.36=DIRECTORY 1.35=DIRECTORY … etcd=DIRECTORY
//
// DIRECTORY holds the binaries of that release; with a version instead, `1.35=v1.35.4`, fields and gates are written and flags
// left as they are. A release that is not named keeps what the file has. Needs `go`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const dataPath = new URL("../src/spec/component-flags.json", import.meta.url);

const binaries = {
  apiserver: "kube-apiserver",
  "controller-manager": "kube-controller-manager",
  scheduler: "kube-scheduler",
  kubelet: "kubelet",
  proxy: "kube-proxy",
};

/** With these a component prints something and ends. */
const notSettings = new Set(["help", "version"]);

function helpOf(path) {
  return execFileSync(path, ["--help"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 24,
  });
}

function flagsOf(path) {
  const names = [...helpOf(path).matchAll(/^\s+(?:-\w, )?--([a-z][\w-]*)/gm)].map((match) => match[1]);
  return [...new Set(names)].filter((name) => !notSettings.has(name)).sort();
}

/** The directory of a Go module's source, from the module proxy. */
function moduleDirectory(module, version) {
  const directory = mkdtempSync(join(tmpdir(), "slipway-flags-"));
  try {
    writeFileSync(join(directory, "go.mod"), "module flags\n");
    const found = execFileSync("go", ["mod", "download", "-json", `${module}@${version}`], {
      cwd: directory,
      encoding: "utf8",
    });
    return JSON.parse(found).Dir;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Field → JSON type, of a struct in a Go file of API types. */
function fieldsOf(source, struct) {
  const body = new RegExp(`^type ${struct} struct \\{\\n([\\s\\S]*?)^\\}`, "m").exec(source)?.[1] ?? "";
  const fields = {};
  for (const [, type, name] of body.matchAll(/^\t\w+\s+(\S+)\s+`json:"(\w+)[^`]*`/gm)) {
    fields[name] = jsonType(type.replace(/^\*/, ""), source);
  }
  return fields;
}

function jsonType(type, source) {
  if (type.startsWith("[]")) return "array";
  if (type.startsWith("map[")) return "object";
  if (/^u?int\d*$/.test(type)) return "integer";
  if (/^float\d+$/.test(type)) return "number";
  if (type === "bool") return "boolean";
  if (type === "string" || type === "metav1.Duration" || type === "resource.Quantity") return "string";
  const named = new RegExp(`^type ${type.replace(".", "\\.")} (\\S+)`, "m").exec(source)?.[1];
  return named && named !== "struct" ? jsonType(named, source) : "object";
}

/** Gate → its stage, and the value that it is locked to, in a release. */
function gatesOf(kubernetes, minor) {
  const text = readFileSync(
    join(kubernetes, "test/compatibility_lifecycle/reference/versioned_feature_list.yaml"),
    "utf8",
  );
  const gates = {};
  for (const block of text.split(/^- name: /m).slice(1)) {
    const name = block.slice(0, block.indexOf("\n")).trim();
    const specs = [
      ...block.matchAll(
        /- default: (\w+)\n\s+lockToDefault: (\w+)\n\s+preRelease: (\w+)\n\s+version: "([\d.]+)"/g,
      ),
    ].filter((spec) => compareMinor(spec[4], minor) <= 0);
    const last = specs.at(-1);
    if (last) gates[name] = last[2] === "true" ? last[1] === "true" : null;
  }
  return { AllAlpha: null, AllBeta: null, ...gates };
}

const compareMinor = (a, b) => {
  const [[aMajor, aMinor], [bMajor, bMinor]] = [a, b].map((version) => version.split(".").map(Number));
  return aMajor - bMajor || aMinor - bMinor;
};

/** The gates that a binary's `--help` names: those that are not GA. */
const gatesInHelp = (path) =>
  [...helpOf(path).matchAll(/(?:^|\s)(?:kube:)?([A-Z]\w+)=true\|false \(/gm)].map((match) => match[1]);

const flagsOfAll = (directory) =>
  Object.fromEntries(
    Object.entries(binaries).map(([component, name]) => [component, flagsOf(join(directory, name))]),
  );

/** The gates that each component's `--help` names. */
const gatesOfAll = (directory) =>
  Object.entries(binaries).map(([component, name]) => [component, gatesInHelp(join(directory, name))]);

/** The gates that some components would refuse, and which know them. */
function gateComponentsOf(inHelp) {
  const result = {};
  for (const gate of new Set(inHelp.flatMap(([, names]) => names))) {
    const having = inHelp.filter(([, names]) => names.includes(gate)).map(([component]) => component);
    if (having.length < inHelp.length) result[gate] = having;
  }
  return result;
}

const data = (() => {
  try {
    return JSON.parse(readFileSync(dataPath, "utf8"));
  } catch {
    return { kubernetes: {}, etcd: [] };
  }
})();

for (const argument of process.argv.slice(2)) {
  const [minor, directory] = argument.split("=");
  if (minor === "etcd") {
    data.etcd = flagsOf(join(directory, "etcd"));
    continue;
  }
  const hasBinaries = !/^v[\d.]+$/.test(directory);
  const version = hasBinaries
    ? /v(\d+\.\d+\.\d+)/.exec(
        execFileSync(join(directory, "kubelet"), ["--version"], { encoding: "utf8" }),
      )[1]
    : directory.slice(1);
  if (!version.startsWith(`${minor}.`)) throw new Error(`${directory} is ${version}, not ${minor}`);
  const kubernetes = moduleDirectory("k8s.io/kubernetes", `v${version}`);
  const staging = (name, file) =>
    readFileSync(join(moduleDirectory(`k8s.io/${name}`, `v0.${version.slice(2)}`), file), "utf8");
  const gates = gatesOf(kubernetes, minor);
  // The release's list leaves client-go's gates out.
  for (const [, gate] of staging("client-go", "features/known_features.go").matchAll(/ Feature = "(\w+)"/g)) {
    gates[gate] ??= null;
  }
  // A release may forget one of its own; what help names is not GA, and so not locked.
  const inHelp = hasBinaries ? gatesOfAll(directory) : [];
  for (const gate of inHelp.flatMap(([, names]) => names)) gates[gate] ??= null;
  const before = data.kubernetes[minor];
  data.kubernetes[minor] = {
    ...(hasBinaries ? { flags: flagsOfAll(directory) } : before?.flags ? { flags: before.flags } : {}),
    fields: {
      kubelet: fieldsOf(staging("kubelet", "config/v1beta1/types.go"), "KubeletConfiguration"),
      proxy: fieldsOf(staging("kube-proxy", "config/v1alpha1/types.go"), "KubeProxyConfiguration"),
    },
    gates: Object.fromEntries(Object.entries(gates).sort(([a], [b]) => (a < b ? -1 : 1))),
    gateComponents: hasBinaries ? gateComponentsOf(inHelp) : (before?.gateComponents ?? {}),
  };
}

writeFileSync(dataPath, `${JSON.stringify(data, null, 2)}\n`);
console.log(`releases: ${Object.keys(data.kubernetes).join(", ")}; etcd flags: ${data.etcd.length}`);
