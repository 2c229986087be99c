/** A duration as people read it: `0.4 s`, `12.3 s`, `3 min 5 s`. */
export function seconds(ms: number): string {
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A size as people read it: `512 B`, `3.4 MiB`, `140 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let left = count;
  for (; left >= 999.5 && at < units.length - 1; at++) left /= 1024;
  return `${at === 0 || left >= 99.95 ? Math.round(left) : left.toFixed(1)} ${units[at]}`;
}

type Unit = "bytes" | "packages" | "files";

/**
 * How far something is: `78.2 MiB of 140 MiB`, `120 of 1,300 packages`, `1 file`. Nothing where a figure would tell
 * nothing: before the first of an unknown number, and for a single file.
 */
export function amount(done: number, total: number | undefined, unit: Unit): string {
  if (total === undefined && done === 0) return "";
  if (total === 1 && unit === "files") return "";
  return total === undefined ? `${count(done, unit)}${noun(done, unit)}` : ofTotal(done, total, unit);
}

const ofTotal = (done: number, total: number, unit: Unit): string =>
  `${count(done, unit)} of ${count(total, unit)}${noun(total, unit)}`;

const count = (of: number, unit: Unit): string => (unit === "bytes" ? bytes(of) : of.toLocaleString("en-US"));

function noun(of: number, unit: Unit): string {
  if (unit === "bytes") return "";
  return ` ${of === 1 ? unit.slice(0, -1) : unit}`;
}
