/** A file of a converted inventory. */
export interface ConvertedFile {
  /** Relative to where it is written. */
  path: string;
  text: string;
  /** May hold secrets: for its owner only. */
  secret?: boolean;
}

/** An inventory in another form. */
export interface Conversion {
  files: ConvertedFile[];
  /** What the other form cannot say, each by its name. */
  lost: string[];
}
