import { setImmediate as turn } from "node:timers/promises";

/** Work that may pause wherever it yields, so that long work need not stand in the way of other work. */
export type Slices<T> = Generator<void, T, void>;

/** Does all of it at once. */
export function allAtOnce<T>(work: Slices<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Others have their turn after so long, in milliseconds: a client waits no longer for its answer than it notices. */
const sliceMs = 10;

/** Does it in slices of about ten milliseconds; between them the event loop does what has come up meanwhile. */
export async function inSlices<T>(work: Slices<T>): Promise<T> {
  for (let startedAt = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - startedAt < sliceMs) continue;
    await turn();
    startedAt = performance.now();
  }
}

/** So many items of a list are done before there may be a pause. */
export const itemsAtATime = 500;

/** A list in pieces, with pauses between them. */
export function* eachPiece<T>(
  items: readonly T[],
  take: (piece: readonly T[], from: number) => void,
): Slices<void> {
  for (let from = 0; from < items.length; from += itemsAtATime) {
    take(items.slice(from, from + itemsAtATime), from);
    yield;
  }
}

/** The items of a list one by one, with pauses. */
export const each = <T>(items: readonly T[], take: (item: T, index: number) => void): Slices<void> =>
  eachPiece(items, (piece, from) => {
    for (const [i, item] of piece.entries()) take(item, from + i);
  });
