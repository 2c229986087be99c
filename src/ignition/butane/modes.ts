import type { Report } from "../problem.js";

/** Warns of a mode that makes no sense, but would if its digits were octal: 644 for 0644. */
export function checkDecimalMode(mode: number, { directory }: { directory: boolean }, report: Report): void {
  const digits = String(mode);
  if (mode < 0 || mode > 7777 || !/^[0-7]+$/.test(digits)) return;
  if (isUsual(mode, directory) || !isUsual(Number.parseInt(digits, 8), directory)) return;
  const octal = mode.toString(8).padStart(4, "0");
  report.warn(
    `${mode} is decimal, and ${octal} in octal, which is unusual: write 0${digits} if you mean that`,
  );
}

/** Whether a mode is one that people use. */
function isUsual(mode: number, directory: boolean): boolean {
  if (mode === 0) return true; // root may do everything anyway
  const [user, group, others] = [(mode >> 6) & 7, (mode >> 3) & 7, mode & 7];
  // Whoever is nearer to the file may do all that those who are further away may.
  if ((others & ~group) !== 0 || (group & ~user) !== 0) return false;
  for (const bits of [user, group, others]) {
    const [read, more] = [(bits & 4) !== 0, (bits & 3) !== 0];
    if (more && !read) return false;
    if (read && (user & 1) !== 0 && (bits & 1) === 0) return false; // rwxr-----
  }
  const [writable, executable] = [(user & 2) !== 0, (user & 1) !== 0];
  const [setuid, setgid, sticky] = [(mode & 0o4000) !== 0, (mode & 0o2000) !== 0, (mode & 0o1000) !== 0];
  if ((user & 4) === 0) return false;
  if (directory) return executable && !setuid && (writable || !(setgid || sticky));
  const worldWritable = (others & 2) !== 0;
  return !sticky && (!(setuid || setgid) || (executable && !worldWritable));
}
