/** What a server grants of the options that a client asks for. */
export interface TransferTerms {
  /** Bytes of data in a block. */
  blockSize: number;
  /** Blocks that may be on their way before the client acknowledges. */
  windowSize: number;
  /** How long to wait before sending again; undefined: as the server sees fit. */
  timeoutSeconds: number | undefined;
  /** What the OACK says: granted options only, in the order asked; none: there is no OACK. */
  granted: ReadonlyMap<string, string>;
}

export interface TermLimits {
  maxBlockSize: number;
  maxWindowSize: number;
}

/**
 * Grants options: blksize (RFC 2348), timeout and tsize (RFC 2349), windowsize (RFC 7440). What is unknown, or outside
 * what its RFC allows, is passed over as if it had not been asked (RFC 2347).
 */
export function negotiate(
  asked: ReadonlyMap<string, string>,
  sizeBytes: number,
  limits: TermLimits,
): TransferTerms {
  const granted = new Map<string, string>();
  let [blockSize, windowSize] = [512, 1];
  let timeoutSeconds: number | undefined;
  for (const [name, value] of asked) {
    if (name === "blksize" && within(value, 8, 65464)) {
      blockSize = Math.min(Number(value), limits.maxBlockSize);
      granted.set(name, String(blockSize));
    } else if (name === "windowsize" && within(value, 1, 65535)) {
      windowSize = Math.min(Number(value), limits.maxWindowSize);
      granted.set(name, String(windowSize));
    } else if (name === "timeout" && within(value, 1, 255)) {
      timeoutSeconds = Number(value);
      granted.set(name, String(timeoutSeconds));
    } else if (name === "tsize" && within(value, 0, Number.MAX_SAFE_INTEGER)) {
      granted.set(name, String(sizeBytes));
    }
  }
  return { blockSize, windowSize, timeoutSeconds, granted };
}

const within = (text: string, least: number, most: number): boolean =>
  /^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most;
