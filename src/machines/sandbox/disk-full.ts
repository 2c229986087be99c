import { SlipwayError } from "../../base/errors.js";

/** The error for what a program in a machine said of a disk that is full (ENOSPC, EDQUOT); undefined: it said something else. */
export const diskFull = (machine: string, output: string, cause?: unknown): SlipwayError | undefined =>
  /no space left on device|disk quota exceeded/i.test(output)
    ? new SlipwayError("DISK_FULL", `the disk of ${machine} is full`, {
        hint: "free some space and run the same command again",
        details: { output: output.trim() },
        cause,
      })
    : undefined;
