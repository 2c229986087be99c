/**
 * Why an answer is as it is. The handlers make these while they answer, so that `simulate` and the timeline tell the truth.
 */
export interface Decision {
  /** What was decided: `boot file`, `group`, `address`, … */
  about: string;
  /** What it came to: `undionly.kpxe`, `node1`, `10.88.0.50`; undefined: no answer. */
  chosen: string | undefined;
  because: string;
  /** What could have been, and why it is not. */
  others: { candidate: string; because: string }[];
}

/** Takes decisions as they are made. */
export type Decide = (decision: Decision) => void;

export const undecided: Decide = () => {};
