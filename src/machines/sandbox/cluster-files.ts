import { open } from "node:fs/promises";
import { makeDirectory, readTextIfPresent, writeError } from "../../base/files.js";
import { hostNameservers } from "../../net/resolv-conf.js";
import type { ClusterLayout } from "./layout.js";

export interface NamedAddress {
  name: string;
  address: string;
}

export const hostsText = (machines: readonly NamedAddress[]): string =>
  [
    "127.0.0.1 localhost",
    "::1 localhost ip6-localhost ip6-loopback",
    ...machines.map(({ name, address }) => `${address} ${name}`),
    "",
  ].join("\n");

/** An empty list is a valid resolv.conf: the resolver then asks the node itself, and fails at once. */
export const resolvConfText = (nameservers: readonly string[]): string =>
  // glibc reads no more than three (resolv.h, MAXNS).
  ["# the host's name servers", ...nameservers.slice(0, 3).map((server) => `nameserver ${server}`), ""].join(
    "\n",
  );

/** Brings the two files that all machines of a cluster share up to date; running machines see it at once. */
export async function refreshClusterFiles(
  layout: ClusterLayout,
  machines: readonly NamedAddress[],
): Promise<void> {
  await makeDirectory(layout.directory, { mode: 0o700 });
  await Promise.all([
    overwrite(layout.hosts, hostsText(machines)),
    overwrite(layout.resolvConf, resolvConfText(await hostNameservers())),
  ]);
}

/** In place, in one write: machines have the file itself bound in, and would go on seeing a replaced one. */
async function overwrite(path: string, text: string): Promise<void> {
  if ((await readTextIfPresent(path)) === text) return;
  try {
    // r+ opens only what is there, and w+ would empty it for a moment.
    const made = await open(path, "a", 0o644);
    await made.close();
    const handle = await open(path, "r+");
    try {
      const bytes = Buffer.from(text);
      await handle.write(bytes, 0, bytes.length, 0);
      await handle.truncate(bytes.length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw writeError(path, error);
  }
}
