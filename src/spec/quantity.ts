import { shown, valueInvalid } from "./problems.js";

/** `max`: all that the host has; `no-limit`: no bound at all. As minikube's `--memory` and `--cpus`. */
export type Unbounded = "max" | "no-limit";

const powers = { b: 0, k: 1, m: 2, g: 3, t: 4 } as const;

/**
 * Reads an amount of memory, in bytes. A bare number is MiB; `k`, `m`, `g`, `t`, with or without `i` and `b`, are powers of
 * 1024, as minikube and docker have them.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`
 */
export function parseMemory(value: string | number): number | Unbounded {
  if (value === "max" || value === "no-limit") return value;
  const match = /^(\d+(?:\.\d+)?) ?(?:([bkmgt])i?b?)?$/i.exec(String(value).trim());
  const unit = (match?.[2]?.toLowerCase() ?? "m") as keyof typeof powers;
  const bytes = match ? Math.round(Number(match[1]) * 1024 ** powers[unit]) : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw valueInvalid(
      `${shown(value)} is not an amount of memory; write 4Gi, 512Mi, a number of MiB, max or no-limit`,
    );
  }
  return bytes;
}

/**
 * Reads a number of CPUs: `2`, `1.5`, `500m`.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`
 */
export function parseCpus(value: string | number): number | Unbounded {
  if (value === "max" || value === "no-limit") return value;
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(value).trim());
  const cpus = match ? Number(match[1]) / (match[2] === "m" ? 1000 : 1) : Number.NaN;
  if (!(cpus >= 0.1 && cpus <= 4096)) {
    throw valueInvalid(
      `${shown(value)} is not a number of CPUs; write 2, 1.5 or 500m (at least 0.1), max or no-limit`,
    );
  }
  return cpus;
}

/** `1.5 GiB`, for messages. */
export function memoryText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
