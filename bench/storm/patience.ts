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

/** Packets that were sent once more, since what they ask for (`OFFER`, `TFTP block`) did not come in time. */
export type Tally = Record<string, number>;

/** Nobody answered for as long as the ROM asks. */
export class Lost extends Error {}

/** Waits for an answer, and sends once more what asks for it, as often as patience allows. */
export function patiently<T>(
  what: string,
  { seconds, jitterSeconds }: Patience,
  tally: Tally,
  send: () => void,
  answer: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let tries = 0;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;
    const ask = () => {
      const wait = seconds[tries];
      if (wait === undefined) return reject(new Lost(`no ${what}`));
      if (tries++ > 0) tally[what] = (tally[what] ?? 0) + 1;
      send();
      const ms = (wait + (Math.random() * 2 - 1) * jitterSeconds) * 1000;
      // All the machines share this process: what came in time, but was not looked at yet, is not late.
      timer = setTimeout(() => setImmediate(() => settled || ask()), ms);
    };
    const settle = () => {
      settled = true;
      clearTimeout(timer);
    };
    answer.finally(settle).then(resolve, reject);
    ask();
  });
}
