import { type Condition, met, unmet } from "../../base/condition.js";
import { readTextIfPresent } from "../../base/files.js";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks after boot (proc(5), stat field 22). */
  startTicks: string;
}

/** undefined when it has ended, a zombie included: nobody but its parent can see the difference. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (pid <= 0) return undefined;
  const stat = await readTextIfPresent(`/proc/${pid}/stat`).catch(() => undefined);
  // The command name, in parentheses, may hold spaces and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields?.[0], fields?.[19]];
  if (state === undefined || startTicks === undefined || state === "Z" || state === "X") return undefined;
  return { pid, startTicks };
}

export const processEnded = (what: string): Condition<ProcessIdentity> => ({
  name: `${what} has ended`,
  async check(identity) {
    const now = await identify(identity.pid);
    return now?.startTicks === identity.startTicks ? unmet(`process ${identity.pid} runs`) : met();
  },
});

/**
 * Init has got as far as to take a signal: the kernel drops what PID 1 of a namespace has neither a handler nor a block for
 * (pid_namespaces(7)), so that one sent too early would be lost.
 */
export const takesSignal = (what: string, signal: number): Condition<ProcessIdentity> => ({
  name: `${what} listens for signal ${signal}`,
  async check(identity) {
    if ((await identify(identity.pid))?.startTicks !== identity.startTicks) return met();
    const status = (await readTextIfPresent(`/proc/${identity.pid}/status`)) ?? "";
    return signalMask(status, "SigBlk", "SigCgt") & (1n << BigInt(signal - 1))
      ? met()
      : unmet("it is still starting");
  },
});

/** Of `/proc/<pid>/status` (proc(5)). */
const signalMask = (status: string, ...fields: string[]): bigint =>
  fields.reduce((mask, field) => {
    const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
    return mask | BigInt(`0x${hex ?? "0"}`);
  }, 0n);
