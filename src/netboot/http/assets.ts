import { constants } from "node:fs";
import { type FileHandle, open, readdir, readlink, realpath } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { systemCode } from "../../base/errors.js";
import {
  type AssetAnswer,
  type HttpHeaders,
  type HttpResponse,
  notFound,
  plainError,
  redirect,
  response,
} from "./answer.js";
import { contentTypeOf, sniffedBytes, sniffedType } from "./content-type.js";
import { type ContentAnswer, contentAnswer } from "./file-answer.js";
import { listingPage } from "./listing.js";

/** What becomes of a request for an asset. Whoever gets a file must close it. */
export type AssetResponse =
  | { response: HttpResponse; error?: string }
  | { file: FileHandle; head: Pick<ContentAnswer, "status" | "headers">; start: number; end: number };

/**
 * Looks a file up below the assets directory. Links inside the directory are followed; what lies outside is not there, by
 * whatever way: it is asked what was opened, not what was named.
 */
export async function openAsset(asset: AssetAnswer, headers: HttpHeaders): Promise<AssetResponse> {
  const { path, slash } = asset;
  let handle: FileHandle | undefined;
  try {
    const root = await realpath(asset.directory);
    // Not blocking: a pipe in the directory must not hold us up.
    handle = await open(join(root, path), constants.O_RDONLY | constants.O_NONBLOCK);
    const real = await openedPath(handle, join(root, path));
    if (real !== root && !real.startsWith(`${root}${sep}`)) {
      await handle.close();
      return { response: notFound, error: `it leads out of the assets, to ${real}` };
    }
    const stats = await handle.stat();
    if (stats.isFile()) return await fileResponse(handle, asset, stats, headers);
    await handle.close();
    if (!stats.isDirectory()) return { response: notFound, error: "neither a file nor a directory" };
    if (!slash) return { response: redirect(`${encodeURIComponent(basename(path))}/`) };
    return await directoryResponse(asset, real, stats.mtime, headers);
  } catch (error) {
    await handle?.close().catch(() => {}); // the first error is the one to tell
    return failure(error);
  }
}

const openedPath = (handle: FileHandle, named: string): Promise<string> =>
  process.platform === "linux" ? readlink(`/proc/self/fd/${handle.fd}`) : realpath(named);

async function fileResponse(
  handle: FileHandle,
  { path, slash }: AssetAnswer,
  { size, mtime }: { size: number; mtime: Date },
  headers: HttpHeaders,
): Promise<AssetResponse> {
  const name = basename(path);
  if (slash) {
    await handle.close();
    return { response: redirect(`../${encodeURIComponent(name)}`) };
  }
  const contentType = contentTypeOf(name) ?? (await sniff(handle));
  const answer = contentAnswer(headers, { size, contentType, modified: mtime });
  const { part, ...head } = answer;
  if ("body" in part) {
    await handle.close();
    return { response: { ...head, body: part.body } };
  }
  return { file: handle, head, ...part };
}

async function sniff(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(sniffedBytes), 0, sniffedBytes, 0);
  return sniffedType(buffer.subarray(0, bytesRead));
}

async function directoryResponse(
  asset: AssetAnswer,
  real: string,
  modified: Date,
  headers: HttpHeaders,
): Promise<AssetResponse> {
  const entries = await readdir(real, { withFileTypes: true });
  if (entries.some(({ name }) => name === "index.html")) {
    const index = { ...asset, path: join(asset.path, "index.html"), slash: false };
    return openAsset(index, headers);
  }
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  const lastModified = ["Last-Modified", modified.toUTCString()];
  return { response: response(200, "text/html; charset=utf-8", listingPage(names), ...lastModified) };
}

function failure(error: unknown): AssetResponse {
  const code = systemCode(error);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENAMETOOLONG":
    case "ELOOP":
    // A socket, and a name with a NUL.
    case "ENXIO":
    case "ERR_INVALID_ARG_VALUE":
      return { response: notFound, error: code === "ENOENT" ? "no such file" : code };
    case "EACCES":
      return { response: plainError(403, "403 Forbidden"), error: "its permissions do not let us read it" };
    default:
      return {
        response: plainError(503, "503 Service Unavailable", "Retry-After", "1"),
        error: code ?? String(error),
      };
  }
}
