import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SlipwayError, systemCode } from "../base/errors.js";
import { isRelativeManifest } from "./cni.js";
import { inspectForm } from "./form.js";
import { identityProblems } from "./identity.js";
import { type Locate, type Problem, problemsError } from "./problems.js";
import { apiVersion, type ClusterForm } from "./schema.js";
import { readYaml, type YamlKind } from "./yaml.js";

/** A form and where each of its fields was written. */
export interface LoadedForm {
  form: ClusterForm;
  locate: Locate;
}

/**
 * Reads a cluster file.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` with every problem and its place: `cluster.yaml:12:5 nodes[0].memory: …`.
 */
export async function loadClusterSpec(path: string): Promise<LoadedForm> {
  return parseClusterSpec(await readText(path), path);
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EISDIR: "it is a directory",
      EACCES: "it may not be read",
    };
    throw new SlipwayError(
      "CONFIG_INVALID",
      `${path}: ${reasons[systemCode(cause) ?? ""] ?? "it cannot be read"}`,
      {
        hint: "give the path of a cluster file with -f",
        cause,
      },
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SlipwayError("CONFIG_INVALID", `${path}: it is not text in UTF-8`);
  }
}

const clusterFile: YamlKind = {
  name: "a cluster file",
  maxBytes: 1024 * 1024,
  textFields: [["kubernetesVersion"], ["extraConfig"]],
};

/**
 * Reads the text of a cluster file: YAML 1.2 or JSON, one document.
 *
 * @param fileName for the messages; the path of a CNI manifest is meant from its directory.
 * @throws {SlipwayError} `CONFIG_INVALID` with every problem.
 */
export function parseClusterSpec(text: string, fileName: string): LoadedForm {
  const { value, locate } = readYaml(text, fileName, clusterFile);
  const problems: Problem[] = identityProblems(value, { apiVersion, kind: "Cluster" }, clusterFile.name).map(
    (problem) => ({
      ...problem,
      where: locate(problem.path),
    }),
  );
  if (problems.length > 0) throw problemsError(problems); // another kind of file: its fields would say nothing
  const { form, problems: formProblems } = inspectForm(value, locate);
  if (form === undefined) throw problemsError(formProblems);
  return { form: fromDirectory(form, dirname(fileName)), locate };
}

function fromDirectory(form: ClusterForm, directory: string): ClusterForm {
  const cni = form.network?.cni;
  if (cni === undefined || !isRelativeManifest(cni)) return form;
  return { ...form, network: { ...form.network, cni: join(directory, cni) } };
}
