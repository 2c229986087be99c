/**
 * Whether a value has more levels of objects and lists. Ask it before a function that calls itself gets a value from outside:
 * a stack that is used up is an error at best, and the end of the process when V8 compiles a regular expression there.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
    if (level.length === 0) return false;
  }
  return true;
}
