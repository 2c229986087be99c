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

/** How far something is: `78.2 MiB of 140 MiB`, `120 of 812 packages`. */
export function amount(
  done: number,
  total: number | undefined,
  unit: "bytes" | "packages" | "files",
): string {
  const one = (count: number) => (unit === "bytes" ? bytes(count) : String(count));
  const suffix = unit === "bytes" ? "" : ` ${unit}`;
  return total === undefined ? `${one(done)}${suffix}` : `${one(done)} of ${one(total)}${suffix}`;
}
