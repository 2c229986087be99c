import { messageOf } from "../../base/errors.js";
import { decodeYaml } from "../butane/decode.js";
import { type LocalFiles, readLocalFile } from "../butane/embed.js";
import { snakeKey } from "../butane/shape.js";
import type { YamlSource } from "../butane/yaml-source.js";
import type { IgnitionConfig } from "../config.js";
import { encodeDataUrl } from "../data-url.js";
import { type Problem, Report } from "../problem.js";
import { validateIgnition } from "../validate.js";
import { withoutEmpty } from "../without-empty.js";
import { addPrograms, type ContainerLinuxPrograms } from "./container-linux-programs.js";
import { containerLinuxShape } from "./container-linux-shape.js";
import { mapToOrigins } from "./origins.js";
import { partitionMiB, partitionType } from "./partition-size.js";
import { convertV2 } from "./v2-convert.js";
import type { ConfigV2, FileV2 } from "./v2-schema.js";

/**
 * Translates a Container Linux Config, the YAML from before Butane that has no variant, to Ignition 3.4. Warnings name what is
 * said in another way now; what has no successor is an error.
 */
export function translateContainerLinux(
  source: YamlSource,
  local: LocalFiles,
  report: Report,
): IgnitionConfig | undefined {
  report.warn("no variant and version: it is read as a Container Linux Config, Butane's forerunner");
  const decoded = decodeYaml(source.root, containerLinuxShape, source, report) as
    | ContainerLinuxConfig
    | undefined;
  if (!decoded || hasErrors([...report.problems, ...source.problems])) return undefined;

  const old = new Report(); // its paths are those of Ignition's spec 2
  const converted = convertV2(toV2(decoded, local, old), old);
  addPrograms(decoded, converted, old);
  const result = withoutEmpty(converted.config) as IgnitionConfig;
  const { config, problems } = validateIgnition(result);
  for (const problem of [...old.problems, ...mapToOrigins(problems, converted)]) {
    report.problems.push({ ...problem, path: yamlPath(problem.path) });
  }
  return hasErrors(report.problems) ? undefined : config;
}

const hasErrors = (problems: Problem[]): boolean => problems.some(({ severity }) => severity === "error");

const yamlPath = (path: Problem["path"]): Problem["path"] =>
  path.map((step) => (typeof step === "string" ? snakeKey(step) : step));

/** As `containerLinuxShape` has it, keys in camelCase: a config of Ignition's spec 2 but for a few places. */
interface ContainerLinuxConfig extends Omit<ConfigV2, "ignition" | "storage">, ContainerLinuxPrograms {
  ignition?: {
    config?: { append?: Reference[]; replace?: Reference };
    security?: { tls?: { certificateAuthorities?: Reference[] } };
  };
  storage?: Omit<NonNullable<ConfigV2["storage"]>, "files" | "disks"> & { files?: File[]; disks?: Disk[] };
}

interface Reference {
  source?: string;
  verification?: { hash?: { function?: string; sum?: string } };
}

interface File extends Omit<FileV2, "contents"> {
  contents?: {
    inline?: string;
    local?: string;
    remote?: { url?: string; compression?: string } & Pick<Reference, "verification">;
  };
}

interface Disk {
  partitions?: { size?: string; start?: string; typeGuid?: string }[];
}

function toV2(config: ContainerLinuxConfig, local: LocalFiles, report: Report): ConfigV2 {
  const { ignition = {}, storage = {}, systemd, networkd, passwd } = config;
  const { append, replace } = ignition.config ?? {};
  const authorities = ignition.security?.tls?.certificateAuthorities;
  const at = report.at("storage");
  return {
    ignition: {
      ...ignition,
      config: { append: append?.map(toReference), ...(replace && { replace: toReference(replace) }) },
      security: { tls: { certificateAuthorities: authorities?.map(toReference) } },
    },
    storage: {
      ...storage,
      files: storage.files?.map((file, i) => toFile(file, local, at.at("files", i))),
      disks: storage.disks?.map((disk, i) => ({
        ...disk,
        partitions: disk.partitions?.map(({ size, start, typeGuid, ...partition }, j) => ({
          ...partition,
          typeGuid: partitionType(typeGuid),
          sizeMiB: partitionMiB(size, at.at("disks", i, "partitions", j, "size")),
          startMiB: partitionMiB(start, at.at("disks", i, "partitions", j, "start")),
        })),
      })),
    },
    systemd,
    networkd,
    passwd,
  } as ConfigV2;
}

const toReference = ({ source, verification }: Reference) => ({
  source,
  verification: toVerification(verification),
});

const toVerification = (verification: Reference["verification"]) => {
  const { function: name, sum } = verification?.hash ?? {};
  return name && sum ? { hash: `${name}-${sum}` } : undefined;
};

function toFile({ contents = {}, ...file }: File, local: LocalFiles, report: Report): FileV2 {
  const { inline, local: path, remote } = contents;
  const given = Object.entries({ inline, local: path, remote: remote?.url }).filter(([, value]) => value);
  const at = report.at("contents");
  if (given.length > 1) {
    at.error(`${given.map(([key]) => key).join(" and ")}: only one of inline, local and remote can be given`);
    return file;
  }
  const source = remote?.url ?? (path ? localUrl(path, local, at.at("local")) : encodeDataUrl(inline ?? ""));
  const { compression, verification } = remote ?? {};
  return { ...file, contents: { source, compression, verification: toVerification(verification) } };
}

function localUrl(path: string, local: LocalFiles, report: Report): string {
  try {
    return encodeDataUrl(readLocalFile(local, path));
  } catch (error) {
    report.error(messageOf(error));
    return encodeDataUrl("");
  }
}
