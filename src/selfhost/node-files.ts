import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { places } from "../plan/places.js";
import type { ControlPlaneHost } from "./control-plane-host.js";

/** A file on a node, root's. */
export interface NodeFile {
  /** Absolute. */
  path: string;
  contents: string | Buffer;
  mode: number;
}

/** Writes files with one command; directories that they need are root's alone. Contents travel on standard input only. */
export async function writeNodeFiles(
  host: ControlPlaneHost,
  files: readonly NodeFile[],
  signal: AbortSignal,
): Promise<void> {
  const archive = pack();
  for (const { path, contents, mode } of files)
    archive.entry({ name: path.replace(/^\//, ""), mode, uid: 0, gid: 0 }, contents);
  archive.finalize();
  const script = "umask 077 && exec tar --extract --preserve-permissions --no-overwrite-dir --directory=/";
  await host.exec(["/bin/sh", "-c", script], { input: await buffer(archive), signal });
}

/** Puts a static pod's manifest into the kubelet's directory, whole or not at all. The kubelet passes over names with a dot. */
export async function putManifest(
  host: ControlPlaneHost,
  file: string,
  contents: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `${places.manifests}/${file}`;
  const script = 'umask 077; cat >"$1" && mv -f "$1" "$2" || { rm -f "$1"; exit 1; }';
  const next = `${places.manifests}/.${file}.next`;
  await host.exec(["/bin/sh", "-c", script, "sh", next, path], { input: contents, signal });
}
