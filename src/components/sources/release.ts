import { rename, rm } from "node:fs/promises";
import { SlipwayError } from "../../base/errors.js";
import { readArchive } from "../archive.js";
import { expand } from "../catalog.js";
import type { ReleaseFile } from "../catalog-entry.js";
import { subjectOf } from "../look-up.js";
import { startProgress } from "../progress.js";
import { publishedHash } from "./checksums.js";
import type { FetchRequest, SourceRun } from "./source.js";

/** Larger than any release file there is. */
export const maxFileBytes = 1024 ** 3;
const maxChecksumBytes = 1024 ** 2;

/** Downloads a released file once for all the components that are in it. @returns the URL, for people. */
export async function downloadRelease(
  requests: readonly FetchRequest[],
  release: ReleaseFile,
  { context, http, downloads }: SourceRun,
): Promise<string> {
  const [first] = requests as [FetchRequest];
  const url = expand(release.url, first.component);
  const checksums = await http.text(expand(release.checksumUrl, first.component), {
    maxBytes: maxChecksumBytes,
  });
  const sha256 = publishedHash(checksums, url.split("/").at(-1)!);
  const bars = requests.map(({ component }) =>
    startProgress({ subject: subjectOf(component), phase: "download", unit: "bytes" }, context),
  );
  const onProgress = (done: number, total: number | undefined) => {
    for (const bar of bars) bar.update(done, total);
  };
  try {
    const file = `${first.destination}.download`;
    await downloads(() => http.file({ url, destination: file, sha256, maxBytes: maxFileBytes, onProgress }));
    if (release.member === undefined) await rename(file, first.destination);
    else await extract(file, requests, release.member, context.signal);
  } catch (error) {
    for (const bar of bars) bar.end("failed");
    throw error;
  }
  for (const bar of bars) bar.end("ok");
  return url;
}

async function extract(
  archive: string,
  requests: readonly FetchRequest[],
  member: string,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map(requests.map((request) => [memberOf(request, member), request.destination]));
  const missing = new Set(wanted.keys());
  await readArchive(
    archive,
    ({ path }) => {
      missing.delete(path);
      return wanted.get(path);
    },
    { maxBytes: 2 * maxFileBytes, signal },
  );
  await rm(archive, { force: true });
  if (missing.size > 0) {
    throw new SlipwayError(
      "COMPONENT_CORRUPT",
      `the release archive does not hold ${[...missing].join(", ")}`,
    );
  }
}

/** Each component's catalog entry has a member of its own. */
const memberOf = ({ component }: FetchRequest, fallback: string) =>
  expand(component.entry.upstream?.member ?? fallback, component);
