import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, SlipwayError } from "../../base/errors.js";
import type { AuthorityName } from "../../pki/certificate.js";

type GivenFlags = Partial<
  Record<
    | "ca-certificate-path"
    | "ca-private-key-path"
    | "etcd-ca-path"
    | "etcd-certificate-path"
    | "etcd-private-key-path",
    string | undefined
  >
>;

/**
 * Authorities and certificates that the user brings, by material name; whose authority is somebody else's.
 *
 * @throws {SlipwayError} `USAGE` for half of what belongs together; `CONFIG_INVALID` for a file that cannot be read
 */
export async function givenMaterial(
  flags: GivenFlags,
  workingDirectory: string,
): Promise<{ given: Map<string, string>; foreign: AuthorityName[] }> {
  const sets = [
    { "ca-certificate-path": "ca.crt", "ca-private-key-path": "ca.key" },
    {
      "etcd-ca-path": "etcd/ca.crt",
      "etcd-certificate-path": "apiserver-etcd-client.crt",
      "etcd-private-key-path": "apiserver-etcd-client.key",
    },
  ] as const;
  const given = new Map<string, string>();
  for (const set of sets) {
    const entries = Object.entries(set) as [keyof GivenFlags, string][];
    const missing = entries.filter(([flag]) => flags[flag] === undefined);
    if (missing.length === entries.length) continue;
    if (missing.length > 0) {
      throw new SlipwayError("USAGE", `${missing.map(([flag]) => `--${flag}`).join(", ")} is missing`, {
        hint: `give ${entries.map(([flag]) => `--${flag}`).join(", ")} together, or none of them`,
      });
    }
    for (const [flag, name] of entries) {
      given.set(name, await read(flag, resolve(workingDirectory, flags[flag]!)));
    }
  }
  return { given, foreign: given.has("etcd/ca.crt") ? ["etcd"] : [] };
}

async function read(flag: string, path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new SlipwayError("CONFIG_INVALID", `--${flag}: ${messageOf(cause)}`, { cause });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new SlipwayError("CONFIG_INVALID", `--${flag}: ${path} is not a PEM file`, {
    hint: "convert it with openssl: openssl x509 -in FILE -out FILE.pem",
  });
}
