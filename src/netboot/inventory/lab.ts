import { posix, resolve } from "node:path";
import { isSlipwayError } from "../../base/errors.js";
import { allAtOnce, each, type Slices } from "../../base/slices.js";
import { parseMac } from "../../net/mac.js";
import { inspectInSlices } from "../../spec/form.js";
import { identityProblems } from "../../spec/identity.js";
import {
  type FieldPath,
  type Locate,
  nowhere,
  type Problem,
  pathText,
  problemsOf,
} from "../../spec/problems.js";
import { apiVersion } from "../../spec/schema.js";
import { readYamlInSlices } from "../../spec/yaml.js";
import { type TextKind, textKinds } from "./config-text.js";
import { labProblems } from "./lab-checks.js";
import { type LabForm, labSchema, type NetworkForm } from "./lab-schema.js";
import { parseLeaseTime, parseOption, parseRange } from "./lab-values.js";
import type { InventoryProblem } from "./problem.js";
import type { LabSettings } from "./settings.js";
import {
  type BootProfile,
  bootFileFirmwares,
  type Group,
  type LabDns,
  type LabNetwork,
  type Machine,
  type OwnBootFile,
  type OwnBootFiles,
  type Place,
} from "./types.js";

/** What a lab.yaml says; the configurations that it names are still to be read. */
export interface Lab {
  networks: LabNetwork[];
  dns: LabDns;
  machines: Machine[];
  /** Those that machines' boot profiles imply, too. */
  groups: Group[];
  profiles: BootProfile[];
  texts: LabText[];
  /** Absolute. */
  assets?: string;
  bootFiles: OwnBootFiles;
  /** Absolute. */
  tftp?: string;
  settings: LabSettings;
}

/** A configuration of a boot profile: the text itself, or a file relative to the lab's directory. */
export type LabText = { kind: TextKind; name: string; place: Place; path: string } & (
  | { text: string }
  | { file: string }
);

/** Where files for TFTP are, unless the lab.yaml says otherwise. */
export const tftpDirectory = "tftp";

/** What is read as a lab.yaml; a hundred thousand machines fit. */
export const labFile = { name: "a lab file", maxBytes: 64 * 1024 * 1024, textFields: [] };

/**
 * Reads the text of a lab.yaml: YAML 1.2 or JSON, one document.
 *
 * @param file its name, for messages
 * @param directory that its paths are relative to, absolute
 */
export const parseLab = (text: string, file: string, directory: string): ParsedLab =>
  allAtOnce(parseLabInSlices(text, file, directory));

interface ParsedLab {
  /** Undefined when there are errors. */
  lab?: Lab;
  problems: InventoryProblem[];
}

/** `parseLab`, with pauses. */
export function* parseLabInSlices(text: string, file: string, directory: string): Slices<ParsedLab> {
  const { form, locate, problems } = yield* readForm(text, file);
  if (form === undefined) return { problems };
  const at = (path: FieldPath): Place => placeOf(locate(path), file);
  const found = yield* labProblems(form, at);
  if (found.some(({ severity }) => severity === "error")) return { problems: found };
  return { lab: yield* labOf(form, at, directory), problems: found };
}

/** The form as it is written; undefined when it is not one. */
function* readForm(
  text: string,
  file: string,
): Slices<{ form?: LabForm; locate: Locate; problems: InventoryProblem[] }> {
  let value: unknown;
  let locate: Locate = nowhere;
  try {
    ({ value, locate } = yield* readYamlInSlices(text, file, labFile));
  } catch (error) {
    if (!isSlipwayError(error, "CONFIG_INVALID")) throw error;
    const problems = problemsOf(error);
    // The place has the file's name already.
    const message = error.message.replace(`${file}: `, "");
    const all: readonly Problem[] = problems.length > 0 ? problems : [{ path: [], message }];
    return { locate, problems: all.map((problem) => inventoryProblem("syntax", problem, file)) };
  }
  const identity = identityProblems(value, { apiVersion, kind: "Lab" }, labFile.name);
  if (identity.length > 0) {
    const located = identity.map((problem) => ({ ...problem, where: locate(problem.path) }));
    return { locate, problems: located.map((problem) => inventoryProblem("field", problem, file)) };
  }
  const { form, problems } = yield* inspectInSlices(labSchema, value as object, locate);
  return {
    ...(form && { form }),
    locate,
    problems: problems.map((problem) =>
      inventoryProblem(problem.unknownField ? "unknown-field" : "field", problem, file),
    ),
  };
}

function* labOf(form: LabForm, at: (path: FieldPath) => Place, directory: string): Slices<Lab> {
  const { machines = [], groups = [], profiles = [], dns, assets, tftp } = form;
  const own = (written: string, path: FieldPath) => ({
    ...ownBootFile(written, directory, tftp?.directory ?? tftpDirectory),
    place: at(path),
  });
  const texts = profiles.flatMap((profile, i) =>
    textKinds.flatMap((kind): LabText[] => {
      const written = profile[kind];
      return written === undefined
        ? []
        : [labText(kind, profile.id, written, at(["profiles", i, kind]), pathText(["profiles", i, kind]))];
    }),
  );
  const nameOf = (kind: TextKind, i: number): string | undefined =>
    texts.find((text) => text.path === pathText(["profiles", i, kind]))?.name;
  const groupsOf: Group[] = [];
  yield* each(groups, ({ id, name, profile, selector, metadata, install }, i) => {
    groupsOf.push({
      id,
      ...(name === undefined ? {} : { name }),
      profile,
      selector: canonicalSelector(selector ?? {}),
      metadata: metadata ?? noMetadata,
      ...(install === undefined ? {} : { install }),
      place: at(["groups", i]),
    });
  });
  const machinesOf: Machine[] = [];
  yield* each(machines, ({ name, address, labels, quirks, bootFile, profile, metadata, ...machine }, i) => {
    const mac = parseMac(machine.mac);
    const place = at(["machines", i]);
    machinesOf.push({
      name,
      mac,
      ...(address === undefined ? {} : { address }),
      labels: labels ?? noLabels,
      quirks: quirks ?? noQuirks,
      ...(bootFile === undefined ? {} : { bootFile: own(bootFile, ["machines", i, "bootFile"]) }),
      place,
    });
    if (profile === undefined) return;
    groupsOf.push({ id: name, profile, selector: { mac }, metadata: metadata ?? noMetadata, place });
  });
  return {
    networks: networksOf(form).map(networkOfForm),
    dns: {
      records: Object.entries(dns?.records ?? {}).map(([name, to]) => ({ name, addresses: [to].flat() })),
      forward: dns?.forward ?? [],
    },
    machines: machinesOf,
    groups: groupsOf,
    profiles: profiles.map(({ id, name, kernel, initrd = [], args = [], install, secret }, i) => {
      const [ignitionId, cloudId, genericId] = textKinds.map((kind) => nameOf(kind, i));
      return {
        id,
        ...(name === undefined ? {} : { name }),
        boot: { ...(kernel === undefined ? {} : { kernel }), initrd, args },
        ...(ignitionId === undefined ? {} : { ignitionId }),
        ...(cloudId === undefined ? {} : { cloudId }),
        ...(genericId === undefined ? {} : { genericId }),
        ...(install === undefined ? {} : { install }),
        ...(secret ? { secret } : {}),
        place: at(["profiles", i]),
      };
    }),
    texts,
    ...(assets === undefined ? {} : { assets: resolve(directory, assets) }),
    bootFiles: ownBootFiles(form.bootFiles ?? {}, own),
    ...(tftp?.directory === undefined ? {} : { tftp: resolve(directory, tftp.directory) }),
    settings: settingsOf(form, directory),
  };
}

function ownBootFiles(
  written: NonNullable<LabForm["bootFiles"]>,
  own: (path: string, place: FieldPath) => OwnBootFile,
): OwnBootFiles {
  return Object.fromEntries(
    bootFileFirmwares.flatMap((firmware) => {
      const path = written[firmware];
      return path === undefined ? [] : [[firmware, own(path, ["bootFiles", firmware])]];
    }),
  );
}

function ownBootFile(written: string, directory: string, tftp: string): Omit<OwnBootFile, "place"> {
  const path = posix.normalize(written);
  const below = `${posix.normalize(tftp).replace(/\/$/, "")}/`;
  return { name: path.startsWith(below) ? path.slice(below.length) : path, directory, path };
}

// Shared by the many machines that have none.
const noLabels = Object.freeze({});
const noQuirks: Machine["quirks"] = [];
const noMetadata: Group["metadata"] = Object.freeze({}) as Group["metadata"];

const canonicalSelector = (selector: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(selector).map(([key, value]) => [
      key,
      key.toLowerCase() === "mac" ? parseMac(value) : value,
    ]),
  );

/** All networks of a form, wherever they are written. */
export const networksOf = ({ network, networks = [] }: LabForm): NetworkForm[] =>
  network === undefined ? networks : [network, ...networks];

function networkOfForm(form: NetworkForm): LabNetwork {
  return {
    ...(form.interface === undefined ? {} : { interface: form.interface }),
    address: form.address,
    subnet: form.subnet,
    mode: form.mode,
    ...(form.range === undefined ? {} : { range: parseRange(form.range) }),
    ...(form.router === undefined ? {} : { router: form.router }),
    dns: form.dns ?? [form.address],
    ntp: form.ntp ?? [],
    ...(form.domain === undefined ? {} : { domain: form.domain }),
    leaseSeconds: form.leaseTime === undefined ? defaultLeaseSeconds : parseLeaseTime(form.leaseTime),
    ...(form.probe === false ? { probe: false as const } : {}),
    options: (form.options ?? []).map(parseOption),
  };
}

export const defaultLeaseSeconds = 3600;

/**
 * A text of several lines stands for itself; anything else is a path. A file in the kind's own directory is called what
 * matchbox calls it, so that both layouts mean the same file by the same name.
 */
function labText(kind: TextKind, id: string, written: string, place: Place, path: string): LabText {
  if (written.includes("\n"))
    return { kind, name: inlineName(kind, id, written), place, path, text: written };
  const file = posix.normalize(written);
  return { kind, name: file.startsWith(`${kind}/`) ? file.slice(kind.length + 1) : file, place, path, file };
}

/** An Ignition config as JSON is one that is served as it is; `{{` begins a template. */
const inlineName = (kind: TextKind, id: string, text: string): string =>
  kind !== "ignition" ? id : /^\s*\{\s*["}]/.test(text) ? `${id}.ign` : `${id}.yaml`;

function settingsOf({ http, tftp, grpc, approve }: LabForm, directory: string): LabSettings {
  const from = (path: string) => resolve(directory, path);
  return {
    http: {
      ...listenOf(http),
      ...(http?.url === undefined ? {} : { url: http.url }),
      ...(http?.events ? { events: true as const } : {}),
      ...(http?.tls === undefined
        ? {}
        : {
            tls: {
              ...listenOf(http.tls),
              certificate: from(http.tls.certificate),
              key: from(http.tls.key),
            },
          }),
    },
    tftp: listenOf(tftp),
    ...(approve === undefined ? {} : { approve }),
    ...(grpc === undefined
      ? {}
      : {
          grpc: {
            ...listenOf(grpc),
            certificate: from(grpc.certificate),
            key: from(grpc.key),
            ca: from(grpc.ca),
          },
        }),
  };
}

const listenOf = (
  form: { address?: string | undefined; port?: number | undefined } | undefined,
): { address?: string; port?: number } => ({
  ...(form?.address === undefined ? {} : { address: form.address }),
  ...(form?.port === undefined ? {} : { port: form.port }),
});

const inventoryProblem = (
  check: string,
  { path, message, where }: Problem,
  file: string,
): InventoryProblem => ({
  severity: "error",
  check,
  place: placeOf(where, file),
  path: pathText(path),
  message,
});

/** `lab.yaml:12:5` as a place. */
function placeOf(where: string | undefined, file: string): Place {
  const [, line, column] = /:(\d+):(\d+)$/.exec(where ?? "") ?? [];
  return line === undefined ? { file } : { file, line: Number(line), column: Number(column) };
}
