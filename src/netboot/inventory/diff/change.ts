/** One thing that a machine gets otherwise. */
export interface Change {
  /** `boot profile`, `kernel`, `ignition storage.files[/etc/hostname].contents.source` */
  field: string;
  /** Undefined: was not there. */
  before?: string;
  /** Undefined: is not there any more. */
  after?: string;
}

/** What differs between the leaves of two values, in order. */
export function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  prefix = "",
): Change[] {
  const changes: Change[] = [];
  for (const [path, was] of before) {
    const is = after.get(path);
    if (is === undefined) changes.push({ field: prefix + path, before: was });
    else if (is !== was) changes.push({ field: prefix + path, before: was, after: is });
  }
  for (const [path, is] of after) if (!before.has(path)) changes.push({ field: prefix + path, after: is });
  return changes;
}

const contextLines = 2;

/** A change as lines of text: `~ kernel: a → b`; texts of several lines as the lines that differ. */
export function changeText({ field, before, after }: Change): string {
  const isLong = (text: string | undefined) =>
    text !== undefined && (text.includes("\n") || text.length > 100);
  if (!isLong(before) && !isLong(after)) {
    if (before === undefined) return `+ ${field}: ${after}`;
    if (after === undefined) return `- ${field}: ${before}`;
    return `~ ${field}: ${before} → ${after}`;
  }
  const sign = before === undefined ? "+" : after === undefined ? "-" : "~";
  return [`${sign} ${field}:`, ...lineChanges(before, after).map((line) => `    ${line}`)].join("\n");
}

/** The lines between the first and the last that differ, with a little around them. */
export function lineChanges(before: string | undefined, after: string | undefined): string[] {
  const split = (text: string | undefined) => (text === undefined ? [] : text.replace(/\n$/, "").split("\n"));
  const [old, now] = [split(before), split(after)];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  let end = 0;
  const most = Math.min(old.length, now.length) - same;
  while (end < most && old.at(-1 - end) === now.at(-1 - end)) end++;
  return [
    ...old.slice(Math.max(0, same - contextLines), same).map((line) => `  ${line}`),
    ...old.slice(same, old.length - end).map((line) => `- ${line}`),
    ...now.slice(same, now.length - end).map((line) => `+ ${line}`),
    ...old.slice(old.length - end, old.length - end + contextLines).map((line) => `  ${line}`),
  ];
}
