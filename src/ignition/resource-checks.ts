import { SlipwayError } from "../base/errors.js";
import type { IgnitionResource } from "./config.js";
import { decodeDataUrl } from "./data-url.js";
import type { Report } from "./problem.js";

/** Checks something that is fetched: file contents, another config, an authority. */
export function checkResource(resource: IgnitionResource, report: Report, minor: number): void {
  const { source, compression, verification, httpHeaders = [] } = resource;
  if (compression !== undefined && compression !== "" && (compression as string) !== "gzip") {
    report.at("compression").error(`unknown compression "${compression}": gzip is the only one`);
  }
  if (source) checkSource(source, report.at("source"), minor);
  const hash = verification?.hash;
  if (hash !== undefined) {
    if (source === undefined) report.at("verification", "hash").error("there is no source to verify");
    checkHash(hash, report.at("verification", "hash"), minor);
  }
  if (httpHeaders.length > 0 && !/^https?:/.test(source ?? "")) {
    report.at("httpHeaders").error("headers need an http or https source");
  }
  for (const [i, { name, value }] of httpHeaders.entries()) {
    if (!name) report.at("httpHeaders", i, "name").error("the header has no name");
    if (value === "") report.at("httpHeaders", i, "value").error("the header's value is empty");
  }
}

/** A resource that must say where it is. */
export function checkRequiredResource(resource: IgnitionResource, report: Report, minor: number): void {
  if (!resource.source) report.error("a source is required");
  checkResource(resource, report, minor);
}

/** Scheme → the spec that brought it. */
const schemes: Record<string, number> = { http: 0, https: 0, tftp: 0, s3: 0, data: 0, gs: 2, arn: 4 };

export function checkSource(source: string, report: Report, minor: number): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined || (schemes[scheme] ?? Number.POSITIVE_INFINITY) > minor) {
    const known = Object.keys(schemes).filter((name) => schemes[name]! <= minor);
    report.error(`the source's scheme is none of ${known.join(", ")}`);
  } else if (scheme === "data") {
    checkData(source, report);
  } else if (scheme === "arn") {
    checkArn(source, report);
  } else if (!URL.canParse(source)) {
    report.error("the source is not a URL");
  } else if (scheme === "s3") {
    checkObjectVersion(source, report, minor);
  }
}

function checkData(source: string, report: Report): void {
  try {
    decodeDataUrl(source);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    report.error(error.message);
  }
}

/** `arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY`, or an access point in the bucket's place. */
function checkArn(source: string, report: Report): void {
  const [resource = "", query = ""] = source.split("?", 2);
  const [, , service, , , ...rest] = resource.split(":");
  const parts = rest.join(":").split("/");
  const needed = parts[0] === "accesspoint" ? 3 : 2;
  if (service !== "s3" || parts.length < needed) report.error("not the ARN of an object in S3");
  else checkObjectVersion(`s3://bucket/?${query}`, report, 4);
}

function checkObjectVersion(source: string, report: Report, minor: number): void {
  const version = new URL(source).searchParams.get("versionId");
  if (minor >= 4 && version === "") report.error("versionId is empty");
}

const hashBytes: Record<string, number> = { sha512: 64, sha256: 32 };

function checkHash(hash: string, report: Report, minor: number): void {
  const [, name = "", sum = ""] = /^([^-]*)-(.*)$/s.exec(hash) ?? [];
  const known = minor >= 1 ? ["sha512", "sha256"] : ["sha512"];
  if (!hash.includes("-")) report.error("a hash is written as function-hex, e.g. sha256-…");
  else if (!known.includes(name))
    report.error(`unknown hash function "${name}": known are ${known.join(", ")}`);
  else if (sum.length !== hashBytes[name]! * 2) {
    report.error(`a ${name} hash has ${hashBytes[name]! * 2} hexadecimal digits, this one ${sum.length}`);
  } else if (!/^[0-9a-f]*$/i.test(sum)) report.error("the hash is not hexadecimal");
}
