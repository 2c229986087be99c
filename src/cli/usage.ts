import { SlipwayError } from "../base/errors.js";

/** The error for a command line that is not right. @param near what may have been meant: `did you mean …?` */
export const usage = (message: string, hint: string, near?: string): SlipwayError =>
  new SlipwayError("USAGE", near === undefined ? message : `${message}, ${near}`, { hint });
