import { setMaxListeners } from "node:events";

/**
 * A signal that follows another, for work that fans out: any number of tasks may listen to it, where Node takes more than
 * ten listeners on one signal for a leak and warns.
 */
export function fanOutSignal(signal: AbortSignal): AbortSignal {
  const many = AbortSignal.any([signal]);
  setMaxListeners(0, many);
  return many;
}
