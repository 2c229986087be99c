import { setTimeout as delay } from "node:timers/promises";

/** How often somebody asks: seconds to wait for an answer, each time, before asking once more; after the last one it gives up. */
export interface Patience {
  seconds: readonly number[];
  /** Each wait is so much longer or shorter, at random. */
  jitterSeconds: number;
}

/** PXE 2.1 §2.2.1: four tries, 4, 8, 16 and 32 s, each a second more or less. */
export const romDhcp: Patience = { seconds: [4, 8, 16, 32], jitterSeconds: 1 };
/** iPXE 1.21's src/config/dhcp.h and src/net/retry.c: from one second on twice as long each time, up to ten. */
export const ipxeDhcp: Patience = { seconds: [1, 2, 4, 8, 10], jitterSeconds: 0 };
/** EDK2's UefiPxeBcDxe: PXEBC_MTFTP_TIMEOUT and PXEBC_MTFTP_RETRIES. */
export const romTftp: Patience = { seconds: [4, 4, 4, 4, 4, 4], jitterSeconds: 0 };

/** What a machine needed. */
export interface Tally {
  /** Packets that were sent once more, since there was no answer in time. */
  retransmissions: number;
}

/** Nobody answered for as long as the ROM asks. */
export class Lost extends Error {}

/** Waits for an answer, and sends once more what asks for it, as often as patience allows. */
export async function patiently<T>(
  what: string,
  { seconds, jitterSeconds }: Patience,
  tally: Tally,
  send: () => void,
  answer: Promise<T>,
): Promise<T> {
  for (const [i, wait] of seconds.entries()) {
    if (i > 0) tally.retransmissions++;
    send();
    const timer = new AbortController();
    const ms = (wait + (Math.random() * 2 - 1) * jitterSeconds) * 1000;
    const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    const answered = await Promise.race([answer.then((value) => ({ value })), late]);
    timer.abort();
    if (answered) return answered.value;
  }
  throw new Lost(`no ${what}`);
}
